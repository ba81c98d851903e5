// Generated from taxonomy/ by `questlog generate`. Do not edit.

/** A person saw or clicked one of our advertisements. */
export interface AdTouched {
  /** What the person did with it. */
  touch: "view" | "click";
  /** Where the advertisement ran. */
  platform: string;
  /** Campaign of the advertisement, as the platform numbers it. */
  campaign_id?: string | null;
  /** Group or set of the advertisement, as the platform numbers it. */
  ad_group_id?: string | null;
  /** The advertisement itself, as the platform numbers it. */
  ad_id?: string | null;
  /** Mark the platform gave this one click, such as its gclid or fbclid. */
  click_id?: string | null;
}

/** A player made a character. */
export interface CharacterCreated {
  /** Identity of the character. */
  character_id: string;
  /** Game the character was made for; absent while it belongs to none. */
  game_id?: string | null;
  /** Calling of the character by the rules of the game. */
  class?: string | null;
  /** Level the character starts at. */
  level?: number | null;
}

/** A character reached a new level of its class. */
export interface ClassLeveled {
  /** Character that reached the new level. */
  character_id: string;
  /** Calling in which the character advanced. */
  class: string;
  /** Level of the class after the advance. */
  level: number;
}

/** A person allowed or denied one purpose of using their data. */
export interface ConsentDecided {
  /** Purpose that was decided on. */
  purpose: "analytics" | "personalisation" | "advertising";
  /** Whether the purpose is allowed from now on. */
  granted: boolean;
  /** Version of the privacy policy the person was shown. */
  policy_version: string;
  /** Where the person made the decision. */
  via?: "banner" | "settings" | "support" | "import" | null;
}

/** A person met one variant of an experiment. */
export interface ExperimentExposed {
  /** Identity of the experiment. */
  experiment_id: string;
  /** Variant the person met, the control group included. */
  variant: string;
  /** What put the person into this variant. */
  assigned_by?: "chance" | "override" | "holdout" | null;
}

/** A person used a feature of the product. */
export interface FeatureUsed {
  /** Feature that was used. */
  feature_name: string;
  /** Part of the product the feature belongs to. */
  feature_category?: string | null;
  /** Plan the person was on when they used it. */
  plan_type?: string | null;
  /** Time spent with the feature, in seconds. */
  usage_duration?: number | null;
}

/** A game master opened a new game that others can join. */
export interface GameCreated {
  /** Identity of the game, the same for everyone who plays in it. */
  game_id: string;
  /** Rule system the game is played by. */
  system?: string | null;
  /** Places at the table, the game master's not counted. */
  seats?: number | null;
}

/** A player took a place in a game. */
export interface GameJoined {
  /** Game the player joined. */
  game_id: string;
  /** Character the player brings along; absent while there is none. */
  character_id?: string | null;
  /** What led the player to the game. */
  via?: "search" | "invitation" | "link" | "recommendation" | null;
}

/** A person left the table, or play ended for them. */
export interface GameSessionEnded {
  /** Identity of the evening at the table, as in game_session_started. */
  game_session_id: string;
  /** Game that was played. */
  game_id: string;
  /** Time from sitting down to leaving, in seconds. */
  duration_seconds?: number | null;
}

/** A person took their seat when play began. */
export interface GameSessionStarted {
  /** Identity of the evening at the table, the same for everyone who sits there. */
  game_session_id: string;
  /** Game that is being played. */
  game_id: string;
  /** Seat the person has at this table. */
  role?: "player" | "game_master" | null;
}

/** A person was said to belong to a group, such as a company or team. */
export interface GroupJoined {
  /** Identity of the group in your service. */
  group_id: string;
}

/** A character received an item. */
export interface ItemAdded {
  /** Character that received the item. */
  character_id: string;
  /** Item received, as the game calls it. */
  item: string;
  /** How seldom such an item is found. */
  rarity?: "common" | "uncommon" | "rare" | "very_rare" | "legendary" | null;
}

/** A person saw a page, perhaps by way of a campaign. */
export interface PageViewed {
  /** Full address of the page. */
  url?: string | null;
  /** Path of the page, without host and query. */
  path: string;
  /** Title of the page as the person saw it. */
  title?: string | null;
  /** Address of the page the person came from. */
  referrer?: string | null;
  /** Site or partner that sent the person. */
  utm_source?: string | null;
  /** Kind of link the person followed. */
  utm_medium?: string | null;
  /** Campaign the link belongs to. */
  utm_campaign?: string | null;
  /** Search words the advertisement was bought for. */
  utm_term?: string | null;
  /** Which of several advertisements or links it was. */
  utm_content?: string | null;
}

/** A payer's money reached us. */
export interface PaymentCompleted {
  /** Identity of the payment in the payment service. */
  payment_id: string;
  /** Price paid, in the smallest unit of the currency. */
  amount_cents: number;
  /** Currency of the amount, as an ISO 4217 code. */
  currency: string;
  /** Whether the money bought a running subscription or one single thing. */
  product?: "subscription" | "single" | null;
  /** Plan that was paid for. */
  plan?: string | null;
}

/** A payer got money back, in full or in part. */
export interface PaymentRefunded {
  /** Payment the money came from, as in payment_completed. */
  payment_id: string;
  /** Identity of the refund in the payment service. */
  refund_id: string;
  /** Money given back, in the smallest unit of the currency; never negative. */
  amount_cents: number;
  /** Currency of the amount, as an ISO 4217 code. */
  currency: string;
  /** Why the money went back, as a word of the payment service. */
  reason?: string | null;
}

/** A tracker learned who a device's person is, or something about them. */
export interface PersonIdentified {
  /** Id the tracker knew the person by until then, where it said that one replaces the other. */
  previous_id?: string | null;
}

/** A person saw a recommendation. */
export interface RecommendationShown {
  /** Identity of this one showing; taking it names the same. */
  recommendation_id: string;
  /** What sort of thing was recommended. */
  item_kind: "game" | "player" | "article" | "plan";
  /** Identity of the thing that was recommended. */
  item_id: string;
  /** Place in the list as it was shown, the first being 1. */
  position?: number | null;
  /** Part of the product in which it stood. */
  surface?: string | null;
  /** What made the recommendation, with its version. */
  algorithm?: string | null;
}

/** A person followed a recommendation. */
export interface RecommendationTaken {
  /** Showing that was followed, as in recommendation_shown. */
  recommendation_id: string;
  /** What sort of thing was recommended. */
  item_kind: "game" | "player" | "article" | "plan";
  /** Identity of the thing that was recommended. */
  item_id: string;
  /** Place in the list as it was shown, the first being 1. */
  position?: number | null;
  /** Part of the product in which it stood. */
  surface?: string | null;
  /** What made the recommendation, with its version. */
  algorithm?: string | null;
}

/** A person threw dice. */
export interface Rolled {
  /** Evening at the table during which the dice fell; absent for a roll outside play. */
  game_session_id?: string | null;
  /** What was thrown, in dice notation. */
  dice: string;
  /** Sum that counted, bonuses included. */
  result: number;
}

/** A person saw a screen of an app. */
export interface ScreenViewed {
  /** What the app calls the screen, such as the title shown on it. */
  screen_name: string;
  /** Part of the app the screen belongs to. */
  screen_category?: string | null;
}

/** A character got better at a skill. */
export interface SkillLeveled {
  /** Character that got better at the skill. */
  character_id: string;
  /** Skill the character got better at. */
  skill: string;
  /** Level of the skill after the improvement. */
  level: number;
}

/** A subscription was ended, by the person or by the house. */
export interface SubscriptionCancelled {
  /** Identity of the subscription in the payment service. */
  subscription_id: string;
  /** Plan that was given up. */
  plan?: string | null;
  /** Who brought the subscription to its end. */
  initiated_by?: "person" | "support" | "payment_failure" | null;
  /** Why it ended, as a word of a list of yours; never free text. */
  reason?: string | null;
  /** Whether it runs on until the time paid for is over. */
  at_period_end?: boolean | null;
}

/** A person moved their subscription to another plan or interval. */
export interface SubscriptionChanged {
  /** Identity of the subscription in the payment service. */
  subscription_id: string;
  /** Plan after the change. */
  plan: string;
  /** Plan before the change. */
  previous_plan?: string | null;
  /** How often the subscription is paid from now on. */
  billing_interval?: "month" | "year" | null;
  /** Price of one interval after the change, in the smallest unit of the currency. */
  amount_cents?: number | null;
  /** Currency of the amount, as an ISO 4217 code. */
  currency?: string | null;
}

/** A person took out a subscription, be it on trial. */
export interface SubscriptionStarted {
  /** Identity of the subscription in the payment service. */
  subscription_id: string;
  /** Plan that was subscribed to. */
  plan: string;
  /** How often the subscription is paid. */
  billing_interval?: "month" | "year" | null;
  /** Days before the first payment is due; 0 without a trial. */
  trial_days?: number | null;
  /** Price of one interval, in the smallest unit of the currency. */
  amount_cents?: number | null;
  /** Currency of the amount, as an ISO 4217 code. */
  currency?: string | null;
}

/** A person's call for help was settled, or given up. */
export interface SupportTicketClosed {
  /** Ticket that was closed, as in support_ticket_opened. */
  ticket_id: string;
  /** How the ticket ended. */
  resolution?: "solved" | "declined" | "duplicate" | "abandoned" | null;
  /** Time from opening the ticket to closing it, in seconds. */
  duration_seconds?: number | null;
  /** Answer of the person to how content they were, from 1 to 5. */
  satisfaction?: number | null;
}

/** A person asked for help. */
export interface SupportTicketOpened {
  /** Identity of the ticket in the support system. */
  ticket_id: string;
  /** What the person needs help with. */
  topic?: "account" | "billing" | "bug" | "game" | "safety" | "other" | null;
  /** Where the person asked. */
  channel?: "email" | "chat" | "form" | "phone" | null;
  /** How soon an answer is due, as the support system ranked it. */
  priority?: "low" | "normal" | "high" | "urgent" | null;
}

/** A person came back and proved who they are. */
export interface UserLoggedIn {
  /** How the person proved who they are when they logged in. */
  method?: string | null;
}

/** A person opened an account. */
export interface UserSignedUp {
  /** How the person proved who they are when they signed up. */
  signup_method: "email" | "google" | "discord" | "apple";
  /** Plan chosen at sign-up. */
  plan?: "free" | "hero" | "legend" | null;
  /** Country the person gave, as an ISO 3166-1 code of two capital letters. */
  country?: string | null;
  /** E-mail address of the person; kept in the vault alone. */
  email?: string | null;
  /** Telephone number of the person; kept in the vault alone. */
  phone?: string | null;
  /** Given name of the person; kept in the vault alone. */
  first_name?: string | null;
  /** Family name of the person; kept in the vault alone. */
  last_name?: string | null;
}

/** Traits of the person. */
export interface UserProperties {
  /** Plan the person is on. */
  subscription_tier?: string | null;
  /** Day on which the person opened their account. */
  signup_date?: string | null;
  /** Line of business the person works in, as they stated it. */
  industry?: string | null;
  /** Head count of the person's company, as a range. */
  company_size?: string | null;
  /** Country the person lives in, as an ISO 3166-1 code of two capital letters. */
  country?: string | null;
  /** E-mail address of the person; kept in the vault alone. */
  email?: string | null;
  /** Telephone number of the person; kept in the vault alone. */
  phone?: string | null;
  /** Given name of the person; kept in the vault alone. */
  first_name?: string | null;
  /** Family name of the person; kept in the vault alone. */
  last_name?: string | null;
  /** City the person lives in; kept in the vault alone. */
  city?: string | null;
  /** State or province the person lives in; kept in the vault alone. */
  region?: string | null;
  /** Postcode of the person's address; kept in the vault alone. */
  postcode?: string | null;
  /** Day the person was born, best written like 1990-12-31; kept in the vault alone. */
  date_of_birth?: string | null;
}

/** The circumstances. */
export interface Context {
  /** Address of the page on which it happened. */
  page_url?: string | null;
  /** Address of the page the person came from. */
  referrer?: string | null;
  /** What the browser says about itself. */
  user_agent?: string | null;
  /** Network address of the sender; the door cuts it to /24 or /48 before anything is written. */
  ip_address?: string | null;
  /** Kind of device, such as desktop, mobile or tablet. */
  device_type?: string | null;
  /** Family of the browser. */
  browser?: string | null;
  /** Family of the operating system. */
  os?: string | null;
  /** Country the event came from, as the sender states it, else as a database tells it of the address. */
  country?: string | null;
  /** Language and region the person's software is set to. */
  locale?: string | null;
  /** Time zone the person's device is set to. */
  time_zone?: string | null;
  /** Program that captured the event and its version, where it is not our own. */
  tracker?: string | null;
  /** What another system's tracker said beside these words, in its own words; see docs/trackers.md. */
  as_sent?: Record<string, unknown> | null;
  [word: string]: unknown;
}

/** The properties of each event, by its name. */
export interface EventProperties {
  ad_touched: AdTouched;
  character_created: CharacterCreated;
  class_leveled: ClassLeveled;
  consent_decided: ConsentDecided;
  experiment_exposed: ExperimentExposed;
  feature_used: FeatureUsed;
  game_created: GameCreated;
  game_joined: GameJoined;
  game_session_ended: GameSessionEnded;
  game_session_started: GameSessionStarted;
  group_joined: GroupJoined;
  item_added: ItemAdded;
  page_viewed: PageViewed;
  payment_completed: PaymentCompleted;
  payment_refunded: PaymentRefunded;
  person_identified: PersonIdentified;
  recommendation_shown: RecommendationShown;
  recommendation_taken: RecommendationTaken;
  rolled: Rolled;
  screen_viewed: ScreenViewed;
  skill_leveled: SkillLeveled;
  subscription_cancelled: SubscriptionCancelled;
  subscription_changed: SubscriptionChanged;
  subscription_started: SubscriptionStarted;
  support_ticket_closed: SupportTicketClosed;
  support_ticket_opened: SupportTicketOpened;
  user_logged_in: UserLoggedIn;
  user_signed_up: UserSignedUp;
}

export type EventName = keyof EventProperties;

/** The newest version of each event, to be sent as `event_version`. */
export const EVENT_VERSIONS: Readonly<Record<EventName, string>> = {
  ad_touched: "1.0",
  character_created: "1.0",
  class_leveled: "1.0",
  consent_decided: "1.0",
  experiment_exposed: "1.0",
  feature_used: "1.0",
  game_created: "1.0",
  game_joined: "1.0",
  game_session_ended: "1.0",
  game_session_started: "1.0",
  group_joined: "1.0",
  item_added: "1.0",
  page_viewed: "1.0",
  payment_completed: "1.0",
  payment_refunded: "1.0",
  person_identified: "1.0",
  recommendation_shown: "1.0",
  recommendation_taken: "1.0",
  rolled: "1.0",
  screen_viewed: "1.0",
  skill_leveled: "1.0",
  subscription_cancelled: "1.0",
  subscription_changed: "1.0",
  subscription_started: "1.0",
  support_ticket_closed: "1.0",
  support_ticket_opened: "1.0",
  user_logged_in: "1.0",
  user_signed_up: "1.0",
};

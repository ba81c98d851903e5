# Generated from taxonomy/ by `questlog generate`. Do not edit.
"""Types of every event, for the server-side client; plain dictionaries at run time."""

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, Protocol, TypedDict, overload

# A person saw or clicked one of our advertisements.
AdTouched = TypedDict(
    "AdTouched",
    {
        # What the person did with it.
        "touch": Literal["view", "click"],
        # Where the advertisement ran.
        "platform": str,
        # Campaign of the advertisement, as the platform numbers it.
        "campaign_id": NotRequired[str | None],
        # Group or set of the advertisement, as the platform numbers it.
        "ad_group_id": NotRequired[str | None],
        # The advertisement itself, as the platform numbers it.
        "ad_id": NotRequired[str | None],
        # Mark the platform gave this one click, such as its gclid or fbclid.
        "click_id": NotRequired[str | None],
    },
)

# A player made a character.
CharacterCreated = TypedDict(
    "CharacterCreated",
    {
        # Identity of the character.
        "character_id": str,
        # Game the character was made for; absent while it belongs to none.
        "game_id": NotRequired[str | None],
        # Calling of the character by the rules of the game.
        "class": NotRequired[str | None],
        # Level the character starts at.
        "level": NotRequired[int | None],
    },
)

# A character reached a new level of its class.
ClassLeveled = TypedDict(
    "ClassLeveled",
    {
        # Character that reached the new level.
        "character_id": str,
        # Calling in which the character advanced.
        "class": str,
        # Level of the class after the advance.
        "level": int,
    },
)

# A person allowed or denied one purpose of using their data.
ConsentDecided = TypedDict(
    "ConsentDecided",
    {
        # Purpose that was decided on.
        "purpose": Literal["analytics", "personalisation", "advertising"],
        # Whether the purpose is allowed from now on.
        "granted": bool,
        # Version of the privacy policy the person was shown.
        "policy_version": str,
        # Where the person made the decision.
        "via": NotRequired[Literal["banner", "settings", "support", "import"] | None],
    },
)

# A person met one variant of an experiment.
ExperimentExposed = TypedDict(
    "ExperimentExposed",
    {
        # Identity of the experiment.
        "experiment_id": str,
        # Variant the person met, the control group included.
        "variant": str,
        # What put the person into this variant.
        "assigned_by": NotRequired[Literal["chance", "override", "holdout"] | None],
    },
)

# A person used a feature of the product.
FeatureUsed = TypedDict(
    "FeatureUsed",
    {
        # Feature that was used.
        "feature_name": str,
        # Part of the product the feature belongs to.
        "feature_category": NotRequired[str | None],
        # Plan the person was on when they used it.
        "plan_type": NotRequired[str | None],
        # Time spent with the feature, in seconds.
        "usage_duration": NotRequired[float | None],
    },
)

# A game master opened a new game that others can join.
GameCreated = TypedDict(
    "GameCreated",
    {
        # Identity of the game, the same for everyone who plays in it.
        "game_id": str,
        # Rule system the game is played by.
        "system": NotRequired[str | None],
        # Places at the table, the game master's not counted.
        "seats": NotRequired[int | None],
    },
)

# A player took a place in a game.
GameJoined = TypedDict(
    "GameJoined",
    {
        # Game the player joined.
        "game_id": str,
        # Character the player brings along; absent while there is none.
        "character_id": NotRequired[str | None],
        # What led the player to the game.
        "via": NotRequired[Literal["search", "invitation", "link", "recommendation"] | None],
    },
)

# A person left the table, or play ended for them.
GameSessionEnded = TypedDict(
    "GameSessionEnded",
    {
        # Identity of the evening at the table, as in game_session_started.
        "game_session_id": str,
        # Game that was played.
        "game_id": str,
        # Time from sitting down to leaving, in seconds.
        "duration_seconds": NotRequired[int | None],
    },
)

# A person took their seat when play began.
GameSessionStarted = TypedDict(
    "GameSessionStarted",
    {
        # Identity of the evening at the table, the same for everyone who sits there.
        "game_session_id": str,
        # Game that is being played.
        "game_id": str,
        # Seat the person has at this table.
        "role": NotRequired[Literal["player", "game_master"] | None],
    },
)

# A person was said to belong to a group, such as a company or team.
GroupJoined = TypedDict(
    "GroupJoined",
    {
        # Identity of the group in your service.
        "group_id": str,
    },
)

# A character received an item.
ItemAdded = TypedDict(
    "ItemAdded",
    {
        # Character that received the item.
        "character_id": str,
        # Item received, as the game calls it.
        "item": str,
        # How seldom such an item is found.
        "rarity": NotRequired[Literal["common", "uncommon", "rare", "very_rare", "legendary"] | None],
    },
)

# A person saw a page, perhaps by way of a campaign.
PageViewed = TypedDict(
    "PageViewed",
    {
        # Full address of the page.
        "url": NotRequired[str | None],
        # Path of the page, without host and query.
        "path": str,
        # Title of the page as the person saw it.
        "title": NotRequired[str | None],
        # Address of the page the person came from.
        "referrer": NotRequired[str | None],
        # Site or partner that sent the person.
        "utm_source": NotRequired[str | None],
        # Kind of link the person followed.
        "utm_medium": NotRequired[str | None],
        # Campaign the link belongs to.
        "utm_campaign": NotRequired[str | None],
        # Search words the advertisement was bought for.
        "utm_term": NotRequired[str | None],
        # Which of several advertisements or links it was.
        "utm_content": NotRequired[str | None],
    },
)

# A payer's money reached us.
PaymentCompleted = TypedDict(
    "PaymentCompleted",
    {
        # Identity of the payment in the payment service.
        "payment_id": str,
        # Price paid, in the smallest unit of the currency.
        "amount_cents": int,
        # Currency of the amount, as an ISO 4217 code.
        "currency": str,
        # Whether the money bought a running subscription or one single thing.
        "product": NotRequired[Literal["subscription", "single"] | None],
        # Plan that was paid for.
        "plan": NotRequired[str | None],
    },
)

# A payer got money back, in full or in part.
PaymentRefunded = TypedDict(
    "PaymentRefunded",
    {
        # Payment the money came from, as in payment_completed.
        "payment_id": str,
        # Identity of the refund in the payment service.
        "refund_id": str,
        # Money given back, in the smallest unit of the currency; never negative.
        "amount_cents": int,
        # Currency of the amount, as an ISO 4217 code.
        "currency": str,
        # Why the money went back, as a word of the payment service.
        "reason": NotRequired[str | None],
    },
)

# A tracker learned who a device's person is, or something about them.
PersonIdentified = TypedDict(
    "PersonIdentified",
    {
        # Id the tracker knew the person by until then, where it said that one replaces the other.
        "previous_id": NotRequired[str | None],
    },
)

# A person saw a recommendation.
RecommendationShown = TypedDict(
    "RecommendationShown",
    {
        # Identity of this one showing; taking it names the same.
        "recommendation_id": str,
        # What sort of thing was recommended.
        "item_kind": Literal["game", "player", "article", "plan"],
        # Identity of the thing that was recommended.
        "item_id": str,
        # Place in the list as it was shown, the first being 1.
        "position": NotRequired[int | None],
        # Part of the product in which it stood.
        "surface": NotRequired[str | None],
        # What made the recommendation, with its version.
        "algorithm": NotRequired[str | None],
    },
)

# A person followed a recommendation.
RecommendationTaken = TypedDict(
    "RecommendationTaken",
    {
        # Showing that was followed, as in recommendation_shown.
        "recommendation_id": str,
        # What sort of thing was recommended.
        "item_kind": Literal["game", "player", "article", "plan"],
        # Identity of the thing that was recommended.
        "item_id": str,
        # Place in the list as it was shown, the first being 1.
        "position": NotRequired[int | None],
        # Part of the product in which it stood.
        "surface": NotRequired[str | None],
        # What made the recommendation, with its version.
        "algorithm": NotRequired[str | None],
    },
)

# A person threw dice.
Rolled = TypedDict(
    "Rolled",
    {
        # Evening at the table during which the dice fell; absent for a roll outside play.
        "game_session_id": NotRequired[str | None],
        # What was thrown, in dice notation.
        "dice": str,
        # Sum that counted, bonuses included.
        "result": int,
    },
)

# A person saw a screen of an app.
ScreenViewed = TypedDict(
    "ScreenViewed",
    {
        # What the app calls the screen, such as the title shown on it.
        "screen_name": str,
        # Part of the app the screen belongs to.
        "screen_category": NotRequired[str | None],
    },
)

# A character got better at a skill.
SkillLeveled = TypedDict(
    "SkillLeveled",
    {
        # Character that got better at the skill.
        "character_id": str,
        # Skill the character got better at.
        "skill": str,
        # Level of the skill after the improvement.
        "level": int,
    },
)

# A subscription was ended, by the person or by the house.
SubscriptionCancelled = TypedDict(
    "SubscriptionCancelled",
    {
        # Identity of the subscription in the payment service.
        "subscription_id": str,
        # Plan that was given up.
        "plan": NotRequired[str | None],
        # Who brought the subscription to its end.
        "initiated_by": NotRequired[Literal["person", "support", "payment_failure"] | None],
        # Why it ended, as a word of a list of yours; never free text.
        "reason": NotRequired[str | None],
        # Whether it runs on until the time paid for is over.
        "at_period_end": NotRequired[bool | None],
    },
)

# A person moved their subscription to another plan or interval.
SubscriptionChanged = TypedDict(
    "SubscriptionChanged",
    {
        # Identity of the subscription in the payment service.
        "subscription_id": str,
        # Plan after the change.
        "plan": str,
        # Plan before the change.
        "previous_plan": NotRequired[str | None],
        # How often the subscription is paid from now on.
        "billing_interval": NotRequired[Literal["month", "year"] | None],
        # Price of one interval after the change, in the smallest unit of the currency.
        "amount_cents": NotRequired[int | None],
        # Currency of the amount, as an ISO 4217 code.
        "currency": NotRequired[str | None],
    },
)

# A person took out a subscription, be it on trial.
SubscriptionStarted = TypedDict(
    "SubscriptionStarted",
    {
        # Identity of the subscription in the payment service.
        "subscription_id": str,
        # Plan that was subscribed to.
        "plan": str,
        # How often the subscription is paid.
        "billing_interval": NotRequired[Literal["month", "year"] | None],
        # Days before the first payment is due; 0 without a trial.
        "trial_days": NotRequired[int | None],
        # Price of one interval, in the smallest unit of the currency.
        "amount_cents": NotRequired[int | None],
        # Currency of the amount, as an ISO 4217 code.
        "currency": NotRequired[str | None],
    },
)

# A person's call for help was settled, or given up.
SupportTicketClosed = TypedDict(
    "SupportTicketClosed",
    {
        # Ticket that was closed, as in support_ticket_opened.
        "ticket_id": str,
        # How the ticket ended.
        "resolution": NotRequired[Literal["solved", "declined", "duplicate", "abandoned"] | None],
        # Time from opening the ticket to closing it, in seconds.
        "duration_seconds": NotRequired[int | None],
        # Answer of the person to how content they were, from 1 to 5.
        "satisfaction": NotRequired[int | None],
    },
)

# A person asked for help.
SupportTicketOpened = TypedDict(
    "SupportTicketOpened",
    {
        # Identity of the ticket in the support system.
        "ticket_id": str,
        # What the person needs help with.
        "topic": NotRequired[Literal["account", "billing", "bug", "game", "safety", "other"] | None],
        # Where the person asked.
        "channel": NotRequired[Literal["email", "chat", "form", "phone"] | None],
        # How soon an answer is due, as the support system ranked it.
        "priority": NotRequired[Literal["low", "normal", "high", "urgent"] | None],
    },
)

# A person came back and proved who they are.
UserLoggedIn = TypedDict(
    "UserLoggedIn",
    {
        # How the person proved who they are when they logged in.
        "method": NotRequired[str | None],
    },
)

# A person opened an account.
UserSignedUp = TypedDict(
    "UserSignedUp",
    {
        # How the person proved who they are when they signed up.
        "signup_method": Literal["email", "google", "discord", "apple"],
        # Plan chosen at sign-up.
        "plan": NotRequired[Literal["free", "hero", "legend"] | None],
        # Country the person gave, as an ISO 3166-1 code of two capital letters.
        "country": NotRequired[str | None],
        # E-mail address of the person; kept in the vault alone.
        "email": NotRequired[str | None],
        # Telephone number of the person; kept in the vault alone.
        "phone": NotRequired[str | None],
        # Given name of the person; kept in the vault alone.
        "first_name": NotRequired[str | None],
        # Family name of the person; kept in the vault alone.
        "last_name": NotRequired[str | None],
    },
)

# Traits of the person.
UserProperties = TypedDict(
    "UserProperties",
    {
        # Plan the person is on.
        "subscription_tier": NotRequired[str | None],
        # Day on which the person opened their account.
        "signup_date": NotRequired[str | None],
        # Line of business the person works in, as they stated it.
        "industry": NotRequired[str | None],
        # Head count of the person's company, as a range.
        "company_size": NotRequired[str | None],
        # Country the person lives in, as an ISO 3166-1 code of two capital letters.
        "country": NotRequired[str | None],
        # E-mail address of the person; kept in the vault alone.
        "email": NotRequired[str | None],
        # Telephone number of the person; kept in the vault alone.
        "phone": NotRequired[str | None],
        # Given name of the person; kept in the vault alone.
        "first_name": NotRequired[str | None],
        # Family name of the person; kept in the vault alone.
        "last_name": NotRequired[str | None],
        # City the person lives in; kept in the vault alone.
        "city": NotRequired[str | None],
        # State or province the person lives in; kept in the vault alone.
        "region": NotRequired[str | None],
        # Postcode of the person's address; kept in the vault alone.
        "postcode": NotRequired[str | None],
        # Day the person was born, best written like 1990-12-31; kept in the vault alone.
        "date_of_birth": NotRequired[str | None],
    },
)

EventName = Literal[
    "ad_touched",
    "character_created",
    "class_leveled",
    "consent_decided",
    "experiment_exposed",
    "feature_used",
    "game_created",
    "game_joined",
    "game_session_ended",
    "game_session_started",
    "group_joined",
    "item_added",
    "page_viewed",
    "payment_completed",
    "payment_refunded",
    "person_identified",
    "recommendation_shown",
    "recommendation_taken",
    "rolled",
    "screen_viewed",
    "skill_leveled",
    "subscription_cancelled",
    "subscription_changed",
    "subscription_started",
    "support_ticket_closed",
    "support_ticket_opened",
    "user_logged_in",
    "user_signed_up",
]

# The newest version of each event, to be sent as `event_version`.
EVENT_VERSIONS: Final[Mapping[EventName, str]] = {
    "ad_touched": "1.0",
    "character_created": "1.0",
    "class_leveled": "1.0",
    "consent_decided": "1.0",
    "experiment_exposed": "1.0",
    "feature_used": "1.0",
    "game_created": "1.0",
    "game_joined": "1.0",
    "game_session_ended": "1.0",
    "game_session_started": "1.0",
    "group_joined": "1.0",
    "item_added": "1.0",
    "page_viewed": "1.0",
    "payment_completed": "1.0",
    "payment_refunded": "1.0",
    "person_identified": "1.0",
    "recommendation_shown": "1.0",
    "recommendation_taken": "1.0",
    "rolled": "1.0",
    "screen_viewed": "1.0",
    "skill_leveled": "1.0",
    "subscription_cancelled": "1.0",
    "subscription_changed": "1.0",
    "subscription_started": "1.0",
    "support_ticket_closed": "1.0",
    "support_ticket_opened": "1.0",
    "user_logged_in": "1.0",
    "user_signed_up": "1.0",
}


class Track(Protocol):
    """What sends an event: its properties are those of its name."""

    @overload
    def __call__(
        self, event_name: Literal["ad_touched"], properties: AdTouched, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["character_created"], properties: CharacterCreated, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["class_leveled"], properties: ClassLeveled, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["consent_decided"], properties: ConsentDecided, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["experiment_exposed"], properties: ExperimentExposed, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["feature_used"], properties: FeatureUsed, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["game_created"], properties: GameCreated, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["game_joined"], properties: GameJoined, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["game_session_ended"], properties: GameSessionEnded, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["game_session_started"], properties: GameSessionStarted, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["group_joined"], properties: GroupJoined, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["item_added"], properties: ItemAdded, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["page_viewed"], properties: PageViewed, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["payment_completed"], properties: PaymentCompleted, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["payment_refunded"], properties: PaymentRefunded, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["person_identified"], properties: PersonIdentified, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["recommendation_shown"], properties: RecommendationShown, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["recommendation_taken"], properties: RecommendationTaken, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["rolled"], properties: Rolled, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["screen_viewed"], properties: ScreenViewed, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["skill_leveled"], properties: SkillLeveled, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["subscription_cancelled"], properties: SubscriptionCancelled, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["subscription_changed"], properties: SubscriptionChanged, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["subscription_started"], properties: SubscriptionStarted, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["support_ticket_closed"], properties: SupportTicketClosed, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["support_ticket_opened"], properties: SupportTicketOpened, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["user_logged_in"], properties: UserLoggedIn, /
    ) -> None: ...

    @overload
    def __call__(
        self, event_name: Literal["user_signed_up"], properties: UserSignedUp, /
    ) -> None: ...

"""Questions of product analytics: one SQL template each, asked from anywhere.

The templates are the macros in `dbt_project/macros/questions`. dbt builds marts from
them; here the same text is rendered for commands, cases and dashboards, so that no two
readers can disagree about what a funnel is.
"""

"""The judgement: who will leave, and what a customer is worth."""

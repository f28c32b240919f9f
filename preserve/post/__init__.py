"""How letters leave the house: by mail, and to webhooks.  Nothing foreign escapes: what fails is `Unavailable`."""

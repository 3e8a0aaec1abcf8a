-- What is the oldest is found without a search.
CREATE INDEX chunk_start ON chunk (start);
CREATE INDEX outbox_finished ON outbox (finished) WHERE finished IS NOT NULL;

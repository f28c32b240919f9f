-- What PostgreSQL lacks of the words that the queries of the books use (they are SQLite's); laid beside the tables.
CREATE FUNCTION json_extract(document text, path text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT document::json ->> substr(path, 3) $$;  -- of paths only $.name
CREATE FUNCTION julianday(moment text) RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM moment::timestamptz) / 86400)::double precision + 2440587.5 $$;
CREATE FUNCTION max(one text, other text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN one IS NULL OR other IS NULL THEN NULL ELSE GREATEST(one, other) END $$;

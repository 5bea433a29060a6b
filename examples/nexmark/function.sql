CREATE FUNCTION count_char(text STRING, letter STRING) RETURNS BIGINT LANGUAGE WASM USING FILE 'function/count_char.wasm';

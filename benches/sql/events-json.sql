-- {rows} Nexmark events as JSON lines in {path}.
CREATE TABLE events (
  event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
             `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
              `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>
) WITH ('connector' = 'nexmark', 'events.num' = '{rows}');
CREATE TABLE file WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json') AS SELECT * FROM events;

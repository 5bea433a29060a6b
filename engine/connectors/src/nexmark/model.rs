//! What happens in the auction house: ids, references between them, prices, times and texts of event n.
//!
//! Of each 50 events (by default) the first is a new person, the next three are new auctions and the others bids. Most bids
//! go to the hot auction and come from the hot bidder of the moment; the others to auctions and people of late, or soon to be.

use std::io::Write;

use crate::column::ColumnBuilder;
use crate::generator::Generator;
use crate::random::Random;

const FIRST_PERSON: u64 = 1000;
const FIRST_AUCTION: u64 = 1000;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;
/// Ids that may be used before their person or auction has come.
const ID_LEAD: u64 = 10;
/// One in so many people and auctions is hot.
const HOT_DISTANCE: u64 = 100;
const ACTIVE_PEOPLE: u64 = 1000;
const AUCTIONS_IN_FLIGHT: u64 = 100;
const CHANNELS: u64 = 10_000;
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
const FIRST_NAMES: [&str; 11] =
    ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];

/// How many of each kind come among their sum of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proportions {
    pub(super) person: u64,
    pub(super) auction: u64,
    pub(super) bid: u64,
}

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventColumn {
    Type,
    Person,
    Auction,
    Bid,
}

impl EventColumn {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "person" => Self::Person,
            "auction" => Self::Auction,
            "bid" => Self::Bid,
            _ => Self::Type,
        }
    }
}

/// The auction house.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) seed: u64,
    pub(super) base_time_ms: i64,
    /// Event time from one event to the next.
    pub(super) event_us: f64,
    pub(super) proportions: Proportions,
    pub(super) person_bytes: usize,
    pub(super) auction_bytes: usize,
    pub(super) bid_bytes: usize,
    pub(super) hot_auctions: u64,
    pub(super) hot_bidders: u64,
    pub(super) hot_sellers: u64,
    /// The columns to fill.
    pub(super) columns: Vec<EventColumn>,
}

impl Generator for Model {
    fn push(&mut self, event: u64, columns: &mut [ColumnBuilder]) {
        let offset = event % self.total();
        let kind = if offset < self.proportions.person {
            EventColumn::Person
        } else if offset < self.proportions.person + self.proportions.auction {
            EventColumn::Auction
        } else {
            EventColumn::Bid
        };
        for (column, builder) in self.columns.iter().zip(columns) {
            match (column, builder) {
                (EventColumn::Type, ColumnBuilder::Int(values)) => values.push(kind as i32 - 1),
                (column, ColumnBuilder::Row(row)) if *column == kind => {
                    let mut random = Random::at(self.seed, 0, event);
                    match kind {
                        EventColumn::Person => self.person(event, &mut random, row.fields()),
                        EventColumn::Auction => self.auction(event, &mut random, row.fields()),
                        _ => self.bid(event, &mut random, row.fields()),
                    }
                    row.seal();
                }
                (_, other) => other.push_null(),
            }
        }
    }
}

impl Model {
    fn total(&self) -> u64 {
        self.proportions.person + self.proportions.auction + self.proportions.bid
    }
    fn time(&self, event: u64) -> i64 {
        self.base_time_ms + (event as f64 * self.event_us) as i64 / 1000
    }
    /// The last person so far, from 0.
    fn last_person(&self, event: u64) -> u64 {
        let offset = (event % self.total()).min(self.proportions.person - 1);
        event / self.total() * self.proportions.person + offset
    }
    /// The last auction so far, from 0; before the first one, the first.
    fn last_auction(&self, event: u64) -> u64 {
        let (round, offset) = (event / self.total(), event % self.total());
        match offset.checked_sub(self.proportions.person) {
            // A person: the last auction is that of the round before.
            None => (round * self.proportions.auction).saturating_sub(1),
            Some(since) => round * self.proportions.auction + since.min(self.proportions.auction - 1),
        }
    }
    fn some_person(&self, event: u64, random: &mut Random) -> u64 {
        let people = self.last_person(event) + 1;
        let active = people.min(ACTIVE_PEOPLE);
        people - active + random.below(active + ID_LEAD)
    }
    fn some_auction(&self, event: u64, random: &mut Random) -> u64 {
        let last = self.last_auction(event);
        let first = last.saturating_sub(AUCTIONS_IN_FLIGHT);
        first + random.below(last - first + 1 + ID_LEAD)
    }

    fn person(&self, event: u64, random: &mut Random, fields: &mut [ColumnBuilder]) {
        let [id, name, email, card, city, state, time, extra] = fields else { unreachable!("a person's fields") };
        push_number(id, (self.last_person(event) + FIRST_PERSON) as i64);
        let mut size = 8;
        size += push_text(name, |out| {
            let _ = write!(out, "{} {}", pick(&FIRST_NAMES, random), pick(&LAST_NAMES, random));
        });
        size += push_text(email, |out| {
            write_words(out, random, 7, b' ');
            out.push(b'@');
            write_words(out, random, 5, b' ');
            out.extend_from_slice(b".com");
        });
        size += push_text(card, |out| {
            let mut group = || random.below(10_000);
            let _ = write!(out, "{:04} {:04} {:04} {:04}", group(), group(), group(), group());
        });
        size += push_text(city, |out| out.extend_from_slice(pick(&CITIES, random).as_bytes()));
        size += push_text(state, |out| out.extend_from_slice(pick(&STATES, random).as_bytes()));
        push_number(time, self.time(event));
        push_text(extra, |out| write_extra(out, random, size, self.person_bytes));
    }

    fn auction(&self, event: u64, random: &mut Random, fields: &mut [ColumnBuilder]) {
        let [id, item, description, initial_bid, reserve, time, expires, seller, category, extra] = fields else {
            unreachable!("an auction's fields")
        };
        push_number(id, (self.last_auction(event) + FIRST_AUCTION) as i64);
        let mut size = 48;
        size += push_text(item, |out| write_words(out, random, 20, b' '));
        size += push_text(description, |out| write_words(out, random, 100, b' '));
        let first_price = price(random);
        push_number(initial_bid, first_price);
        push_number(reserve, first_price + price(random));
        let now = self.time(event);
        push_number(time, now);
        // As long as it takes until the auctions in flight have come, on average.
        let ahead = AUCTIONS_IN_FLIGHT * self.total() / self.proportions.auction;
        let horizon_ms = (self.time(event + ahead) - now).max(0) as u64;
        push_number(expires, now + 1 + random.below((horizon_ms * 2).max(1)) as i64);
        let by = if random.below(self.hot_sellers) > 0 {
            self.last_person(event) / HOT_DISTANCE * HOT_DISTANCE
        } else {
            self.some_person(event, random)
        };
        push_number(seller, (by + FIRST_PERSON) as i64);
        push_number(category, (FIRST_CATEGORY + random.below(CATEGORIES)) as i64);
        push_text(extra, |out| write_extra(out, random, size, self.auction_bytes));
    }

    fn bid(&self, event: u64, random: &mut Random, fields: &mut [ColumnBuilder]) {
        let [auction, bidder, amount, channel, url, time, extra] = fields else { unreachable!("a bid's fields") };
        let on = if random.below(self.hot_auctions) > 0 {
            self.last_auction(event) / HOT_DISTANCE * HOT_DISTANCE
        } else {
            self.some_auction(event, random)
        };
        push_number(auction, (on + FIRST_AUCTION) as i64);
        let by = if random.below(self.hot_bidders) > 0 {
            self.last_person(event) / HOT_DISTANCE * HOT_DISTANCE + 1
        } else {
            self.some_person(event, random)
        };
        // The Flink connector adds the first id twice, and the published results rest on it.
        push_number(bidder, (by + 2 * FIRST_PERSON) as i64);
        push_number(amount, price(random));
        if random.below(2) > 0 {
            let hot = random.below(HOT_CHANNELS.len() as u64);
            push_text(channel, |out| out.extend_from_slice(HOT_CHANNELS[hot as usize].as_bytes()));
            push_text(url, |out| write_url(out, &mut Random::at(self.seed, 2, hot)));
        } else {
            let number = random.below(CHANNELS);
            push_text(channel, |out| {
                let _ = write!(out, "channel-{number}");
            });
            push_text(url, |out| {
                let mut of_channel = Random::at(self.seed, 1, number);
                write_url(out, &mut of_channel);
                if of_channel.below(10) > 0 {
                    let _ = write!(out, "&channel_id={}", ((number as u32).reverse_bits() as i32).unsigned_abs());
                }
            });
        }
        push_number(time, self.time(event));
        push_text(extra, |out| write_extra(out, random, 32, self.bid_bytes));
    }
}

fn push_number(column: &mut ColumnBuilder, value: i64) {
    match column {
        ColumnBuilder::BigInt(values) | ColumnBuilder::Timestamp { values, .. } => values.push(value),
        other => unreachable!("a number for {other:?}"),
    }
}

/// Appends what `write` writes; gives its length.
fn push_text(column: &mut ColumnBuilder, write: impl FnOnce(&mut Vec<u8>)) -> usize {
    let ColumnBuilder::Text(text) = column else { unreachable!("a text") };
    let before = text.data.len();
    write(&mut text.data);
    let length = text.data.len() - before;
    text.seal();
    length
}

fn pick<'a>(words: &[&'a str], random: &mut Random) -> &'a str {
    words[random.below(words.len() as u64) as usize]
}

/// From 100 to 100 million, evenly over the orders of magnitude.
fn price(random: &mut Random) -> i64 {
    (10f64.powf(random.unit() * 6.0) * 100.0).round() as i64
}

/// At least three letters and less than `max`, one in 13 of them `special`.
fn write_words(out: &mut Vec<u8>, random: &mut Random, max: u64, special: u8) {
    let start = out.len();
    for _ in 0..3 + random.below(max - 3) {
        let letter = if random.below(13) == 0 { special } else { b'a' + random.below(26) as u8 };
        if letter != b' ' || out.len() > start {
            out.push(letter);
        }
    }
    while out.len() > start && out.last() == Some(&b' ') {
        out.pop();
    }
}

fn write_url(out: &mut Vec<u8>, random: &mut Random) {
    out.extend_from_slice(b"https://www.nexmark.com/");
    for _ in 0..3 {
        write_words(out, random, 5, b'_');
        out.push(b'/');
    }
    out.extend_from_slice(b"item.htm?query=1");
}

/// Fills an event of `size` bytes up to `average`, give or take a fifth.
fn write_extra(out: &mut Vec<u8>, random: &mut Random, size: usize, average: usize) {
    let Some(wanted) = average.checked_sub(size).filter(|w| *w > 0) else { return };
    let delta = (wanted as f64 * 0.2).round() as usize;
    let length = wanted - delta + if delta == 0 { 0 } else { random.below(2 * delta as u64) as usize };
    let mut written = 0;
    while written < length {
        // Six letters of one number, as in the Flink connector: below 'a' where the number is negative.
        let mut number = random.bits() as i32;
        for _ in 0..6.min(length - written) {
            out.push((i32::from(b'a') + number % 26) as u8);
            number /= 26;
            written += 1;
        }
    }
}

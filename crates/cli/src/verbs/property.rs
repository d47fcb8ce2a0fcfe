//! `cardmod property`: the card's properties by name (Cardmod.h, CardGetProperty and CardSetProperty).

use cardmod_host::{AdminAuthority, CardSession, Error, Property, PropertyValue, Selector};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, hex, table};
use crate::secrets::{self, AdminKeyOptions};
use crate::session::{Desk, WithoutCard};
use crate::verbs::pin::admin_key;

/// What to do with properties.
#[derive(Debug, Subcommand)]
pub(crate) enum PropertyVerb {
    /// List every property the card tells
    List,
    /// Show one property
    Get(GetArgs),
    /// Set a property, as administrator
    Set(SetArgs),
}

/// `property get`.
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// Its name, such as "PIN List" or "Cache Mode"
    #[arg(value_name = "NAME", value_parser = property)]
    property: &'static Property,
    /// Of which PIN (its role's number), key spec (1 to 8) or operation (1 encryption, 2 signatures), where
    /// it has several values [default: all]
    #[arg(long, value_name = "NUMBER")]
    of: Option<u32>,
}

/// `property set`.
#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// Its name, such as "Card Identifier"
    #[arg(value_name = "NAME", value_parser = property)]
    property: &'static Property,
    /// The value: yes or no, a number, or hexadecimal digits
    #[arg(value_name = "VALUE")]
    value: String,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

#[derive(Serialize)]
struct ListDocument {
    properties: Vec<PropertyView>,
}

#[derive(Serialize)]
struct PropertyView {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u32>,
    settable: bool,
    /// `null` for one the card does not tell.
    value: Value,
    #[serde(skip)]
    text: String,
}

/// Runs the verb.
pub(crate) fn run(verb: &PropertyVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        PropertyVerb::List => list(global, out),
        PropertyVerb::Get(args) => get(args, global, out),
        PropertyVerb::Set(args) => set(args, global, out),
    }
}

fn list(global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let properties = desk.with_card(WithoutCard::Refuse, |session| {
        let mut views = Vec::new();
        let mut held = session.hold()?;
        for property in Property::all() {
            for of in held.selectors(property)? {
                match held.property_value(property, of) {
                    Ok(value) => views.push(PropertyView::new(property, of, &value)),
                    Err(Error::NotSupported { .. }) => views.push(PropertyView::untold(property, of)),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(views)
    })?;
    show(properties, out)
}

fn get(args: &GetArgs, global: &Global, out: Output) -> Result<(), Failure> {
    if args.of.is_some() && args.property.selector == Selector::None {
        return Err(Failure::usage(format!(
            "property {:?} has one value: --of chooses nothing",
            args.property.name
        )));
    }
    let desk = Desk::open(global, out)?;
    let properties = desk.with_card(WithoutCard::Refuse, |session| values(session, args))?;
    show(properties, out)
}

/// The values asked for; of all there are those that the card tells.
fn values(session: &mut CardSession, args: &GetArgs) -> Result<Vec<PropertyView>, Failure> {
    let property = args.property;
    if let Some(of) = args.of {
        return Ok(vec![PropertyView::new(property, of, &session.property_value(property, of)?)]);
    }
    let mut views = Vec::new();
    let mut refused = None;
    for of in session.selectors(property)? {
        match session.property_value(property, of) {
            Ok(value) => views.push(PropertyView::new(property, of, &value)),
            Err(error @ Error::NotSupported { .. }) => refused = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match refused {
        Some(error) if views.is_empty() => Err(error.into()),
        _ => Ok(views),
    }
}

fn set(args: &SetArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let bytes = args.property.encode(&args.value)?;
    let desk = Desk::open(global, out)?;
    // The card is looked for before the key is asked for.
    desk.choose(WithoutCard::Refuse)?;
    let key = match args.admin_key.source() {
        Some(source) => admin_key(&source.read("administrator key")?)?,
        None => admin_key(&secrets::prompt(
            "administrator key, 48 hexadecimal digits: ",
            "administrator key",
            "admin-key",
        )?)?,
    };
    let name = args.property.name;
    let value = desk.with_card(WithoutCard::Refuse, |session| {
        let mut held = session.hold()?;
        held.admin_authenticate(&mut AdminAuthority::Key(key))?;
        held.set_property(name, Some(&bytes), 0)?;
        Ok(held.property_value(args.property, 0)?)
    })?;
    out.done(&json!({"name": name, "value": json_value(&value)}), || format!("{name} is now {value}\n"))
}

fn show(properties: Vec<PropertyView>, out: Output) -> Result<(), Failure> {
    let document = ListDocument { properties };
    out.show(&document, || {
        let row = |view: &PropertyView| {
            let of = view.of.map_or_else(String::new, |of| of.to_string());
            let set = if view.settable { "administrator" } else { "-" };
            [view.name.to_owned(), of, view.text.clone(), set.to_owned()]
        };
        table(["property", "of", "value", "set by"], document.properties.iter().map(row).collect())
    })
}

impl PropertyView {
    fn new(property: &Property, of: u32, value: &PropertyValue) -> Self {
        let view = Self::untold(property, of);
        Self { value: json_value(value), text: value.to_string(), ..view }
    }

    fn untold(property: &Property, of: u32) -> Self {
        Self {
            name: property.name,
            of: (property.selector != Selector::None).then_some(of),
            settable: property.settable,
            value: Value::Null,
            text: "(not told)".to_owned(),
        }
    }
}

/// A value by its type.
fn json_value(value: &PropertyValue) -> Value {
    match value {
        PropertyValue::Switch(on) => json!(on),
        PropertyValue::Number(number) => json!(number),
        PropertyValue::Roles(roles) => json!(roles.iter().map(|id| id.get()).collect::<Vec<_>>()),
        PropertyValue::Identity(bytes) => json!(hex(bytes)),
        PropertyValue::Bytes(bytes) => json!(hex(bytes)),
        PropertyValue::Names(names) => json!(names),
        PropertyValue::Fields(fields) => {
            fields.iter().map(|(name, value)| (name.replace(' ', "_"), json!(value))).collect()
        }
        other => json!(other.to_string()),
    }
}

fn property(name: &str) -> Result<&'static Property, String> {
    Property::named(name).ok_or_else(|| {
        let known: Vec<_> = Property::all().iter().map(|property| format!("{:?}", property.name)).collect();
        format!("there is no such property; known are {}", known.join(", "))
    })
}

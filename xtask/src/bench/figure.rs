//! How costs grow, as a picture: two diagrams side by side, times in microseconds on logarithmic axes.

use std::fmt::Write as _;

use serde_json::Value;

const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 260.0;
const MARGIN: f64 = 48.0;
const TOP: f64 = 34.0;
const OPENING: &str = "#1f6f8b";
const LISTING: &str = "#c4572e";
const SIGNING: &str = "#6a8d3f";
const AGAIN: &str = "#7b5aa6";

/// One line of a diagram.
struct Line {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// The picture of both measures.
pub(super) fn growth(containers: &[Value], contexts: &[Value]) -> Result<String, String> {
    let first = [
        line(containers, "containers", ("list, new session", OPENING), |found| &found["list cold"][0])?,
        line(containers, "containers", ("list again", LISTING), |found| &found["list warm"][0])?,
        line(containers, "containers", ("sign, new session", SIGNING), |found| &found["sign cold"][0])?,
        line(containers, "containers", ("sign again", AGAIN), |found| &found["sign again"])?,
    ];
    let second = [
        line(contexts, "contexts", ("open one more", OPENING), |found| &found["open"])?,
        line(contexts, "contexts", ("sign, PIN and all", SIGNING), |found| &found["sign"])?,
        line(contexts, "contexts", ("sign again", AGAIN), |found| &found["sign again"])?,
    ];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        2.0 * WIDTH,
        HEIGHT + 70.0
    );
    svg.push_str(&diagram(0.0, "containers on the card", &first));
    svg.push_str(&diagram(WIDTH, "contexts open in the process", &second));
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn line(
    found: &[Value],
    across: &str,
    (name, colour): (&'static str, &'static str),
    of: fn(&Value) -> &Value,
) -> Result<Line, String> {
    let point = |value: &Value| Some((value[across].as_f64()?, of(value).as_f64()?));
    let points: Option<Vec<_>> = found.iter().map(point).collect();
    Ok(Line { name, colour, points: points.ok_or_else(|| format!("{name} is not in every measure"))? })
}

fn diagram(left: f64, title: &str, lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| &line.points);
    let count = lines.first().map_or(1, |line| line.points.len());
    let highest = all().map(|point| point.1).fold(1.0, f64::max);
    let lowest = all().map(|point| point.1).fold(highest, f64::min).max(0.1);
    let (bottom_decade, top_decade) = (lowest.log10().floor(), highest.log10().ceil());
    let (width, height) = (WIDTH - MARGIN - 16.0, HEIGHT - TOP - 30.0);
    // Each measure is as far from the next, whatever its number.
    let x = |place: usize| left + MARGIN + (place as f64 + 0.5) / count as f64 * width;
    let y = |value: f64| {
        TOP + height - (value.max(0.1).log10() - bottom_decade) / (top_decade - bottom_decade) * height
    };
    let mut svg = format!("<text x=\"{}\" y=\"18\" font-size=\"13\">{title}</text>\n", left + MARGIN);
    for decade in bottom_decade as i32..=top_decade as i32 {
        let value = 10_f64.powi(decade);
        let label = if value < 1000.0 { format!("{value} µs") } else { format!("{} ms", value / 1000.0) };
        let (from, at) = (left + MARGIN, y(value));
        let _ = writeln!(
            svg,
            "<path d=\"M{from:.0} {at:.1}h{width:.0}\" stroke=\"#ddd\"/><text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{label}</text>",
            from - 5.0,
            at + 4.0
        );
    }
    for (place, point) in lines.first().map(|line| &line.points).into_iter().flatten().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            x(place),
            TOP + height + 16.0,
            point.0
        );
    }
    for (number, line) in lines.iter().enumerate() {
        let places = line.points.iter().enumerate();
        let path: Vec<_> =
            places.map(|(place, point)| format!("{:.1},{:.1}", x(place), y(point.1))).collect();
        let colour = line.colour;
        let (column, row) = ((number % 2) as f64, (number / 2) as f64);
        let (at, down) = (left + MARGIN + column * 180.0, HEIGHT + 14.0 + row * 18.0);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <path d=\"M{at:.0} {:.0}h18\" stroke=\"{colour}\" stroke-width=\"3\"/>\
             <text x=\"{:.0}\" y=\"{down:.0}\">{}</text>",
            path.join(" "),
            down - 4.0,
            at + 24.0,
            line.name
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_measure_has_its_line() {
        let containers = [1, 30].map(|count| {
            json!({ "containers": count, "list cold": [300.0, 10], "list warm": [20.0, 1],
                    "sign cold": [500.0, 9], "sign again": 18.5 })
        });
        let contexts = [1, 64]
            .map(|count| json!({ "contexts": count, "open": 90.0, "sign": 200.0, "sign again": 18.5 }));
        let svg = growth(&containers, &contexts).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 7);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains(">64</text>") && svg.contains("sign, PIN and all"));
        assert!(growth(&[json!({})], &contexts).is_err());
    }
}

//! Units of measure, in one table: how each is written, what it measures, and how it converts to the unit its dimension
//! is counted in. Factors are those of the SI brochure (9th edition), of the international yard and pound of 1959, and
//! of NIST SP 811 for the rest. Months and years are left out, as they have no fixed length, and so is the ton, as it
//! names three weights.

use Dimension::{Angle, Area, Data, Energy, Length, Mass, Power, Pressure, Share, Speed, Temperature, Time, Volume};

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// In metres.
    Length,
    /// In kilograms.
    Mass,
    /// In litres.
    Volume,
    /// In seconds.
    Time,
    /// In square metres.
    Area,
    /// In metres a second.
    Speed,
    /// In joules.
    Energy,
    /// In watts.
    Power,
    /// In pascals.
    Pressure,
    /// In bytes.
    Data,
    /// In degrees.
    Angle,
    /// In kelvins.
    Temperature,
    /// A share of one.
    Share,
}

impl Dimension {
    /// The word in messages.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Length => "a length",
            Mass => "a mass",
            Volume => "a volume",
            Time => "a time",
            Area => "an area",
            Speed => "a speed",
            Energy => "an energy",
            Power => "a power",
            Pressure => "a pressure",
            Data => "an amount of data",
            Angle => "an angle",
            Temperature => "a temperature",
            Share => "a share",
        }
    }
}

/// A unit: `base = factor * (value + offset)`.
#[derive(Debug, PartialEq)]
pub(super) struct Unit {
    /// The symbol and its other spellings; their case counts, as `mW` is not `MW`.
    pub(super) symbols: &'static [&'static str],
    /// Its names, in small letters; their case does not count.
    words: &'static [&'static str],
    /// What it measures.
    pub(super) dimension: Dimension,
    /// How many of the dimension's unit it is.
    factor: f64,
    /// What is added to a value first: degrees Celsius begin 273.15 above absolute zero.
    offset: f64,
}

const fn unit(
    dimension: Dimension,
    factor: f64,
    symbols: &'static [&'static str],
    words: &'static [&'static str],
) -> Unit {
    Unit { symbols, words, dimension, factor, offset: 0.0 }
}

/// A value in another unit, and how far rounding may have moved it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converted {
    /// In the unit asked for.
    pub(super) value: f64,
    /// The most that converting may be off by, in the same unit.
    pub(super) slack: f64,
}

/// Converting takes a few roundings of a double, each of 2^-53 of the amount in the dimension's unit.
const ROUNDING: f64 = 1e-14;

impl Unit {
    /// The unit of that symbol or name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ").replace(" / ", "/");
        let lowered = name.to_lowercase();
        UNITS.iter().find(|unit| unit.symbols.contains(&&*name) || unit.words.contains(&&*lowered))
    }

    /// The symbol of every unit.
    pub(super) fn symbols() -> impl Iterator<Item = &'static str> + Clone {
        UNITS.iter().map(Self::symbol)
    }

    /// Every symbol and name.
    pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
        UNITS.iter().flat_map(|unit| unit.symbols.iter().chain(unit.words).copied())
    }

    /// The symbol.
    pub(super) fn symbol(&self) -> &'static str {
        self.symbols[0]
    }

    /// A value of this unit in another of the same dimension.
    pub(super) fn convert(&self, value: f64, to: &Self) -> Converted {
        let base = (value + self.offset) * self.factor;
        let scale = base.abs().max((to.offset * to.factor).abs()).max((self.offset * self.factor).abs());
        Converted { value: base / to.factor - to.offset, slack: ROUNDING * scale / to.factor }
    }
}

const DEGREE: f64 = 1.0;
const INCH: f64 = 0.0254;
const FOOT: f64 = 0.3048;
const MILE: f64 = 1_609.344;
const POUND: f64 = 0.453_592_37;
const GALLON: f64 = 3.785_411_784;
const IMPERIAL_GALLON: f64 = 4.546_09;

#[rustfmt::skip] // A table reads best as one.
static UNITS: &[Unit] = &[
    unit(Length, 1.0, &["m"], &["metre", "metres", "meter", "meters"]),
    unit(Length, 1e3, &["km", "Km", "KM"], &["kilometre", "kilometres", "kilometer", "kilometers"]),
    unit(Length, 1e-1, &["dm"], &["decimetre", "decimetres", "decimeter", "decimeters"]),
    unit(Length, 1e-2, &["cm"], &["centimetre", "centimetres", "centimeter", "centimeters"]),
    unit(Length, 1e-3, &["mm"], &["millimetre", "millimetres", "millimeter", "millimeters"]),
    unit(Length, 1e-6, &["µm", "μm", "um"],
        &["micrometre", "micrometres", "micrometer", "micrometers", "micron", "microns"]),
    unit(Length, 1e-9, &["nm"], &["nanometre", "nanometres", "nanometer", "nanometers"]),
    unit(Length, INCH, &["in", "″"], &["inch", "inches"]),
    unit(Length, FOOT, &["ft", "′"], &["foot", "feet"]),
    unit(Length, 0.9144, &["yd"], &["yard", "yards"]),
    unit(Length, MILE, &["mi"], &["mile", "miles"]),
    unit(Length, 1_852.0, &["nmi", "NM"], &["nautical mile", "nautical miles"]),
    unit(Length, 149_597_870_700.0, &["au", "AU"], &["astronomical unit", "astronomical units"]),
    unit(Length, 9_460_730_472_580_800.0, &["ly"], &["light-year", "light-years", "light year", "light years"]),

    unit(Mass, 1.0, &["kg", "Kg", "KG"], &["kilogram", "kilograms", "kilogramme", "kilogrammes", "kilo", "kilos"]),
    unit(Mass, 1e-3, &["g"], &["gram", "grams", "gramme", "grammes"]),
    unit(Mass, 1e-6, &["mg"], &["milligram", "milligrams"]),
    unit(Mass, 1e-9, &["µg", "μg", "ug", "mcg"], &["microgram", "micrograms"]),
    unit(Mass, 1e3, &["t", "Mg"], &["tonne", "tonnes", "metric ton", "metric tons"]),
    unit(Mass, POUND, &["lb", "lbs"], &["pound", "pounds"]),
    unit(Mass, POUND / 16.0, &["oz"], &["ounce", "ounces"]),
    unit(Mass, POUND * 14.0, &["st"], &["stone", "stones"]),
    unit(Mass, POUND * 2_000.0, &["sh tn"], &["short ton", "short tons"]),
    unit(Mass, POUND * 2_240.0, &["l tn"], &["long ton", "long tons"]),

    unit(Volume, 1.0, &["L", "l", "dm³", "dm^3", "dm3"], &["litre", "litres", "liter", "liters"]),
    unit(Volume, 1e-1, &["dL", "dl"], &["decilitre", "decilitres", "deciliter", "deciliters"]),
    unit(Volume, 1e-2, &["cL", "cl"], &["centilitre", "centilitres", "centiliter", "centiliters"]),
    unit(Volume, 1e-3, &["mL", "ml", "cm³", "cm^3", "cm3", "cc"],
        &["millilitre", "millilitres", "milliliter", "milliliters", "cubic centimetre", "cubic centimetres",
           "cubic centimeter", "cubic centimeters"]),
    unit(Volume, 1e-6, &["µL", "μL", "uL", "µl", "μl", "ul", "mm³", "mm^3", "mm3"],
        &["microlitre", "microlitres", "microliter", "microliters"]),
    unit(Volume, 1e2, &["hL", "hl"], &["hectolitre", "hectolitres", "hectoliter", "hectoliters"]),
    unit(Volume, 1e3, &["m³", "m^3", "m3"], &["cubic metre", "cubic metres", "cubic meter", "cubic meters"]),
    unit(Volume, GALLON, &["gal"], &["gallon", "gallons", "us gallon", "us gallons"]),
    unit(Volume, GALLON / 4.0, &["qt"], &["quart", "quarts"]),
    unit(Volume, GALLON / 8.0, &["pt"], &["pint", "pints"]),
    unit(Volume, GALLON / 16.0, &["cup"], &["cups"]),
    unit(Volume, GALLON / 128.0, &["fl oz"], &["fluid ounce", "fluid ounces"]),
    unit(Volume, GALLON / 256.0, &["tbsp"], &["tablespoon", "tablespoons"]),
    unit(Volume, GALLON / 768.0, &["tsp"], &["teaspoon", "teaspoons"]),
    unit(Volume, IMPERIAL_GALLON, &["imp gal"], &["imperial gallon", "imperial gallons"]),
    unit(Volume, IMPERIAL_GALLON / 8.0, &["imp pt"], &["imperial pint", "imperial pints"]),
    unit(Volume, 28.316_846_592, &["ft³", "ft^3", "ft3"], &["cubic foot", "cubic feet"]),
    unit(Volume, 0.016_387_064, &["in³", "in^3", "in3"], &["cubic inch", "cubic inches"]),

    unit(Time, 1.0, &["s", "sec"], &["second", "seconds", "secs"]),
    unit(Time, 1e-3, &["ms", "msec"], &["millisecond", "milliseconds"]),
    unit(Time, 1e-6, &["µs", "μs", "us"], &["microsecond", "microseconds"]),
    unit(Time, 1e-9, &["ns"], &["nanosecond", "nanoseconds"]),
    unit(Time, 60.0, &["min"], &["minute", "minutes", "mins"]),
    unit(Time, 3_600.0, &["h", "hr", "hrs"], &["hour", "hours"]),
    unit(Time, 86_400.0, &["d"], &["day", "days"]),
    unit(Time, 604_800.0, &["wk"], &["week", "weeks"]),

    unit(Area, 1.0, &["m²", "m^2", "m2", "sq m", "sqm"],
        &["square metre", "square metres", "square meter", "square meters"]),
    unit(Area, 1e6, &["km²", "km^2", "km2", "sq km"],
        &["square kilometre", "square kilometres", "square kilometer", "square kilometers"]),
    unit(Area, 1e-4, &["cm²", "cm^2", "cm2", "sq cm"],
        &["square centimetre", "square centimetres", "square centimeter", "square centimeters"]),
    unit(Area, 1e-6, &["mm²", "mm^2", "mm2"],
        &["square millimetre", "square millimetres", "square millimeter", "square millimeters"]),
    unit(Area, 1e4, &["ha"], &["hectare", "hectares"]),
    unit(Area, FOOT * FOOT, &["ft²", "ft^2", "ft2", "sq ft", "sqft"], &["square foot", "square feet"]),
    unit(Area, INCH * INCH, &["in²", "in^2", "in2", "sq in"], &["square inch", "square inches"]),
    unit(Area, 0.836_127_36, &["yd²", "yd^2", "yd2", "sq yd"], &["square yard", "square yards"]),
    unit(Area, MILE * MILE, &["mi²", "mi^2", "mi2", "sq mi"], &["square mile", "square miles"]),
    unit(Area, 4_046.856_422_4, &["ac"], &["acre", "acres"]),

    unit(Speed, 1.0, &["m/s", "mps", "m s^-1"],
        &["metres per second", "meters per second", "metre per second", "meter per second"]),
    unit(Speed, 1.0 / 3.6, &["km/h", "kmh", "kph", "km/hr"],
        &["kilometres per hour", "kilometers per hour", "kilometre per hour", "kilometer per hour"]),
    unit(Speed, 1e3, &["km/s"], &["kilometres per second", "kilometers per second"]),
    unit(Speed, 1e-2, &["cm/s"], &["centimetres per second", "centimeters per second"]),
    unit(Speed, 1e-3, &["mm/s"], &["millimetres per second", "millimeters per second"]),
    unit(Speed, MILE / 3_600.0, &["mph", "mi/h"], &["miles per hour", "mile per hour"]),
    unit(Speed, FOOT, &["ft/s", "fps"], &["feet per second", "foot per second"]),
    unit(Speed, 1_852.0 / 3_600.0, &["kn", "kt", "kts"], &["knot", "knots"]),

    unit(Energy, 1.0, &["J"], &["joule", "joules"]),
    unit(Energy, 1e-3, &["mJ"], &["millijoule", "millijoules"]),
    unit(Energy, 1e3, &["kJ", "KJ"], &["kilojoule", "kilojoules"]),
    unit(Energy, 1e6, &["MJ"], &["megajoule", "megajoules"]),
    unit(Energy, 1e9, &["GJ"], &["gigajoule", "gigajoules"]),
    unit(Energy, 3.6e3, &["Wh"], &["watt-hour", "watt-hours", "watt hour", "watt hours"]),
    unit(Energy, 3.6e6, &["kWh", "KWh", "KWH", "kwh"],
        &["kilowatt-hour", "kilowatt-hours", "kilowatt hour", "kilowatt hours"]),
    unit(Energy, 3.6e9, &["MWh"], &["megawatt-hour", "megawatt-hours", "megawatt hour", "megawatt hours"]),
    unit(Energy, 3.6e12, &["GWh"], &["gigawatt-hour", "gigawatt-hours", "gigawatt hour", "gigawatt hours"]),
    unit(Energy, 3.6e15, &["TWh"], &["terawatt-hour", "terawatt-hours", "terawatt hour", "terawatt hours"]),
    unit(Energy, 4.184, &["cal"], &["calorie", "calories"]),
    unit(Energy, 4_184.0, &["kcal"], &["kilocalorie", "kilocalories"]),
    unit(Energy, 1.602_176_634e-19, &["eV"], &["electronvolt", "electronvolts"]),
    unit(Energy, 1_055.055_852_62, &["BTU", "Btu"], &["british thermal unit", "british thermal units"]),

    unit(Power, 1.0, &["W"], &["watt", "watts"]),
    unit(Power, 1e-3, &["mW"], &["milliwatt", "milliwatts"]),
    unit(Power, 1e3, &["kW", "KW"], &["kilowatt", "kilowatts"]),
    unit(Power, 1e6, &["MW"], &["megawatt", "megawatts"]),
    unit(Power, 1e9, &["GW"], &["gigawatt", "gigawatts"]),
    unit(Power, 1e12, &["TW"], &["terawatt", "terawatts"]),
    unit(Power, 745.699_871_582_270_2, &["hp", "HP"], &["horsepower"]),

    unit(Pressure, 1.0, &["Pa"], &["pascal", "pascals"]),
    unit(Pressure, 1e2, &["hPa"], &["hectopascal", "hectopascals"]),
    unit(Pressure, 1e3, &["kPa"], &["kilopascal", "kilopascals"]),
    unit(Pressure, 1e6, &["MPa"], &["megapascal", "megapascals"]),
    unit(Pressure, 1e9, &["GPa"], &["gigapascal", "gigapascals"]),
    unit(Pressure, 1e5, &["bar"], &["bars"]),
    unit(Pressure, 1e2, &["mbar"], &["millibar", "millibars"]),
    unit(Pressure, 101_325.0, &["atm"], &["atmosphere", "atmospheres"]),
    unit(Pressure, 6_894.757_293_168_361, &["psi"], &["pounds per square inch"]),
    unit(Pressure, 133.322_387_415, &["mmHg", "mm Hg"], &["millimetres of mercury", "millimeters of mercury"]),
    unit(Pressure, 101_325.0 / 760.0, &["Torr"], &["torr"]),

    unit(Data, 1.0, &["B"], &["byte", "bytes"]),
    unit(Data, 1e3, &["kB", "KB"], &["kilobyte", "kilobytes"]),
    unit(Data, 1e6, &["MB"], &["megabyte", "megabytes"]),
    unit(Data, 1e9, &["GB"], &["gigabyte", "gigabytes"]),
    unit(Data, 1e12, &["TB"], &["terabyte", "terabytes"]),
    unit(Data, 1e15, &["PB"], &["petabyte", "petabytes"]),
    unit(Data, 1_024.0, &["KiB", "kiB"], &["kibibyte", "kibibytes"]),
    unit(Data, 1_048_576.0, &["MiB"], &["mebibyte", "mebibytes"]),
    unit(Data, 1_073_741_824.0, &["GiB"], &["gibibyte", "gibibytes"]),
    unit(Data, 1_099_511_627_776.0, &["TiB"], &["tebibyte", "tebibytes"]),
    unit(Data, 1_125_899_906_842_624.0, &["PiB"], &["pebibyte", "pebibytes"]),
    unit(Data, 0.125, &["bit", "b"], &["bits"]),
    unit(Data, 125.0, &["kbit", "kb", "Kb"], &["kilobit", "kilobits"]),
    unit(Data, 125e3, &["Mbit", "Mb"], &["megabit", "megabits"]),
    unit(Data, 125e6, &["Gbit", "Gb"], &["gigabit", "gigabits"]),
    unit(Data, 125e9, &["Tbit", "Tb"], &["terabit", "terabits"]),

    unit(Angle, DEGREE, &["°", "deg", "º"], &["degree", "degrees"]),
    unit(Angle, DEGREE * 180.0 / std::f64::consts::PI, &["rad"], &["radian", "radians"]),
    unit(Angle, DEGREE * 0.9, &["gon", "grad"], &["gradian", "gradians"]),
    unit(Angle, DEGREE / 60.0, &["arcmin"], &["arcminute", "arcminutes", "minute of arc", "minutes of arc"]),
    unit(Angle, DEGREE / 3_600.0, &["arcsec"], &["arcsecond", "arcseconds", "second of arc", "seconds of arc"]),
    unit(Angle, DEGREE * 360.0, &["tr"], &["turn", "turns", "revolution", "revolutions"]),

    unit(Temperature, 1.0, &["K"], &["kelvin", "kelvins"]),
    Unit { symbols: &["°C", "℃", "ºC"], words: &["degree celsius", "degrees celsius", "celsius", "deg c", "degrees c"],
        dimension: Temperature, factor: 1.0, offset: 273.15 },
    Unit { symbols: &["°F", "℉", "ºF"],
        words: &["degree fahrenheit", "degrees fahrenheit", "fahrenheit", "deg f", "degrees f"],
        dimension: Temperature, factor: 5.0 / 9.0, offset: 459.67 },

    unit(Share, 1e-2, &["%"], &["percent", "per cent", "pct"]),
    unit(Share, 1e-3, &["‰"], &["per mille", "permille"]),
    unit(Share, 1e-6, &["ppm"], &["parts per million"]),
    unit(Share, 1e-9, &["ppb"], &["parts per billion"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, from: &str, expected: f64, to: &str) {
        let (from, to) = (Unit::of(from).unwrap(), Unit::of(to).unwrap());
        assert_eq!(from.dimension, to.dimension);
        let Converted { value, slack } = from.convert(value, to);
        assert!((value - expected).abs() <= slack + expected.abs() * 1e-9, "{value} {}", to.symbol());
    }

    #[test]
    fn units_convert_as_their_definitions_say() {
        check(5.0, "KM", 5_000.0, "metres");
        check(1.5, "kWh", 5.4, "MJ");
        check(32.0, "°F", 0.0, "°C");
        check(-40.0, "degrees Fahrenheit", -40.0, "℃");
        check(0.0, "K", -273.15, "°C");
        check(1.0, "GiB", 1.073_741_824, "GB");
        check(1.0, "mi", 5_280.0, "ft");
        check(1.0, "atm", 14.695_948_775, "psi");
        check(180.0, "°", std::f64::consts::PI, "rad");
        check(90.0, "km / h", 25.0, "m/s");
        check(1.0, "acre", 43_560.0, "sq ft");
        check(1.0, "US gallon", 128.0, "fl oz");
        check(1.0, "hp", 550.0 * 0.3048 * 4.448_221_615_260_5, "W");
        check(1e6, "bit", 125.0, "kB");
        check(5.0, "ppm", 0.0005, "%");
    }

    #[test]
    fn case_counts_in_symbols_and_not_in_words() {
        let symbol = |name| Unit::of(name).map(Unit::symbol);
        assert_eq!((symbol("mW"), symbol("MW"), symbol("mw")), (Some("mW"), Some("MW"), None));
        assert_eq!((symbol("Mb"), symbol("MB"), symbol("mB")), (Some("Mbit"), Some("MB"), None));
        assert_eq!((symbol("KiloMetres"), symbol("M")), (Some("km"), None));
        assert_eq!((symbol("degrees  CELSIUS"), symbol("")), (Some("°C"), None));
    }

    #[test]
    fn no_two_units_share_a_name_and_every_unit_is_found_by_all_of_its_own() {
        for unit in UNITS {
            assert!(unit.factor > 0.0 && unit.factor.is_finite(), "{unit:?}");
            for name in unit.symbols.iter().chain(unit.words) {
                assert_eq!(Unit::of(name), Some(unit), "{name}");
            }
            assert!(unit.words.iter().all(|word| *word == word.to_lowercase()), "{unit:?}");
        }
    }
}

package dev.hyaline.tools.report;

import dev.hyaline.instrument.dump.DumpCost;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/**
 * What a dump costs to make and to keep, and which of storing and computing again is cheaper.
 *
 * @param cost of running tokens, as measured
 * @param tokens of the corpus
 * @param bytes of the dump
 * @param corePrice of a core-hour
 * @param diskPrice of a gigabyte for a month
 */
public record CostReport(DumpCost cost, long tokens, long bytes, double corePrice, double diskPrice) {
    private static final double GIGABYTE = 1e9;

    private double making() {
        return cost.coreHours(tokens) * corePrice;
    }

    private double keeping() {
        return bytes / GIGABYTE * diskPrice;
    }

    /** Readings in a month from which on keeping the dump costs less than making it each time. */
    private double readings() {
        return 1 + keeping() / making();
    }

    /** Shows it in sentences. */
    void print(Console console) {
        console.out()
                .println("Running it takes about " + DisplayText.figure(cost.coreHours(tokens)) + " core-hours: "
                        + DisplayText.count(Math.round(cost.tokensPerCoreSecond()))
                        + " tokens a core second here, measured on "
                        + DisplayText.plural(cost.tokens(), "token") + ".");
        console.out()
                .println("Store or compute: making it costs " + DisplayText.figure(making()) + " at "
                        + plain(corePrice) + " a core-hour, keeping it " + DisplayText.figure(keeping())
                        + " a month at " + plain(diskPrice) + " a GB-month (--prices).");
        console.out()
                .println("  Keep it if it is read more than " + DisplayText.figure(readings())
                        + " times a month; otherwise let the reader run the model: hyaline sae train --prompts.");
    }

    private static String plain(double price) {
        return String.format(Locale.ROOT, "%.4g", price).replaceAll("0+$", "");
    }

    /** Adds it to an object. */
    void write(JsonGenerator json) {
        json.writeObjectPropertyStart("cost");
        json.writeNumberProperty("measured_tokens", cost.tokens());
        JsonOutput.number(json, "measured_seconds", cost.seconds());
        JsonOutput.number(json, "tokens_per_core_second", cost.tokensPerCoreSecond());
        JsonOutput.number(json, "core_hours", cost.coreHours(tokens));
        JsonOutput.number(json, "price_of_making", making());
        JsonOutput.number(json, "price_of_keeping_a_month", keeping());
        JsonOutput.number(json, "keep_above_readings_a_month", readings());
        json.writeEndObject();
    }
}

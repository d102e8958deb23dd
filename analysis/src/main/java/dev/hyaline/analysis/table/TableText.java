package dev.hyaline.analysis.table;

import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.files.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;

/** Tables as files of text. Numbers are written so that reading them gives the same double. */
public final class TableText {
    private static final List<String> FIGURES =
            List.of("effect", "interval_low", "interval_high", "p", "adjusted_p", "effect_size");

    private TableText() {}

    /**
     * Comma-separated values (RFC 4180, lines ending in a line feed): a column for each axis, then {@code mean},
     * {@code standard_error}, of {@link TableStatistics} {@code n}, {@code units}, {@code units_known}, {@code effect},
     * {@code interval_low}, {@code interval_high}, {@code p}, {@code adjusted_p}, {@code effect_size}, then
     * {@code origin}, a column for each sample, and {@code test}, the test behind the cell's p in words; a row for each
     * cell. What is not a number or not known is empty.
     */
    public static String csv(ResultTable table) {
        TableStatistics statistics = table.statistics();
        StringBuilder csv = new StringBuilder();
        table.axes().forEach(axis -> csv.append(quoted(axis.name())).append(','));
        csv.append("mean,standard_error,n,units,units_known,")
                .append(String.join(",", FIGURES))
                .append(",origin,")
                .append(table.samples().stream().map(TableText::quoted).collect(Collectors.joining(",")))
                .append(",test\n");
        for (int cell = 0; cell < table.cells(); cell++) {
            table.labels(cell).forEach(label -> csv.append(quoted(label)).append(','));
            csv.append(number(table.mean(cell))).append(',').append(number(table.standardError(cell)));
            csv.append(',').append(statistics.prompts());
            csv.append(',').append(statistics.units());
            csv.append(',').append(statistics.unitsKnown());
            for (double figure : figures(statistics, cell)) {
                csv.append(',').append(number(figure));
            }
            csv.append(',').append(quoted(table.origin()));
            for (double value : table.values(cell)) {
                csv.append(',').append(number(value));
            }
            boolean tested =
                    statistics.effect(cell).filter(effect -> effect.p() != null).isPresent();
            csv.append(',').append(tested ? quoted(statistics.test()) : "").append('\n');
        }
        return csv.toString();
    }

    /** One JSON object; see {@link #writeJson}. */
    public static String json(ResultTable table) {
        byte[] text = JsonText.compact(json -> {
            json.writeStartObject();
            writeJson(table, json);
            json.writeEndObject();
        });
        return new String(text, StandardCharsets.UTF_8) + "\n";
    }

    /**
     * Writes a table's properties into an open object: {@code title}, {@code origin}, {@code quantity}, {@code unit},
     * {@code neutral}, {@code axes} (name and labels), {@code sample_kind}, {@code samples}, {@code tokens} of each if
     * they are known, and in row-major order of the axes {@code mean} and {@code standard_error} of each cell and
     * {@code values} by cell and sample. The object {@code statistics} has {@code n}, {@code units} and
     * {@code units_known}; {@code test}, {@code adjustment} and {@code interval} in words; and by cell {@code effect}
     * (against what is neutral), {@code interval_low}, {@code interval_high}, {@code p}, {@code adjusted_p} and
     * {@code effect_size}. What is not a number or not known is null.
     */
    public static void writeJson(ResultTable table, JsonGenerator json) {
        json.writeStringProperty("title", table.title());
        json.writeName("origin");
        if (table.origin().isEmpty()) {
            json.writeNull();
        } else {
            json.writeString(table.origin());
        }
        json.writeStringProperty("quantity", table.quantity());
        json.writeStringProperty("unit", table.unit());
        json.writeName("neutral");
        number(json, table.neutral().orElse(Double.NaN));
        json.writeArrayPropertyStart("axes");
        for (Axis axis : table.axes()) {
            json.writeStartObject();
            json.writeStringProperty("name", axis.name());
            json.writeArrayPropertyStart("labels");
            axis.labels().forEach(json::writeString);
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeStringProperty("sample_kind", table.sampleKind());
        json.writeArrayPropertyStart("samples");
        table.samples().forEach(json::writeString);
        json.writeEndArray();
        if (!table.tokens().isEmpty()) {
            json.writeArrayPropertyStart("tokens");
            table.tokens().forEach(tokens -> json.writeArray(tokens, 0, tokens.length));
            json.writeEndArray();
        }
        json.writeArrayPropertyStart("mean");
        for (int cell = 0; cell < table.cells(); cell++) {
            number(json, table.mean(cell));
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("standard_error");
        for (int cell = 0; cell < table.cells(); cell++) {
            number(json, table.standardError(cell));
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("values");
        for (int cell = 0; cell < table.cells(); cell++) {
            json.writeStartArray();
            for (double value : table.values(cell)) {
                number(json, value);
            }
            json.writeEndArray();
        }
        json.writeEndArray();
        json.writeObjectPropertyStart("statistics");
        writeTests(table, json);
        TableStatistics statistics = table.statistics();
        for (int figure = 0; figure < FIGURES.size(); figure++) {
            json.writeArrayPropertyStart(FIGURES.get(figure));
            for (int cell = 0; cell < table.cells(); cell++) {
                number(json, figures(statistics, cell)[figure]);
            }
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    /**
     * Writes what the figures of a table's cells rest on into an open object: {@code n}, {@code units} and
     * {@code units_known}; {@code test}, {@code adjustment} and {@code interval} in words.
     */
    public static void writeTests(ResultTable table, JsonGenerator json) {
        TableStatistics statistics = table.statistics();
        json.writeNumberProperty("n", statistics.prompts());
        json.writeNumberProperty("units", statistics.units());
        json.writeBooleanProperty("units_known", statistics.unitsKnown());
        json.writeStringProperty("test", statistics.test());
        json.writeStringProperty("adjustment", Adjustment.BENJAMINI_HOCHBERG + " over the cells");
        json.writeStringProperty("interval", statistics.interval());
    }

    /**
     * Writes one cell's {@code effect}, {@code interval_low}, {@code interval_high}, {@code p}, {@code adjusted_p} and
     * {@code effect_size} into an open object; null where there is none, and where there is no such cell.
     */
    public static void writeFigures(ResultTable table, int cell, JsonGenerator json) {
        double[] figures = figures(table.statistics(), cell);
        for (int figure = 0; figure < figures.length; figure++) {
            json.writeName(FIGURES.get(figure));
            number(json, figures[figure]);
        }
    }

    /** A cell's figures in the order of {@link #FIGURES}; NaN where there is none. */
    private static double[] figures(TableStatistics statistics, int cell) {
        return statistics
                .effect(cell)
                .map(effect -> new double[] {
                    effect.estimate(),
                    effect.interval() == null ? Double.NaN : effect.interval().low(),
                    effect.interval() == null ? Double.NaN : effect.interval().high(),
                    effect.p() == null ? Double.NaN : effect.p(),
                    effect.adjustedP() == null ? Double.NaN : effect.adjustedP(),
                    effect.effectSize() == null ? Double.NaN : effect.effectSize()
                })
                .orElseGet(() -> {
                    double[] none = new double[FIGURES.size()];
                    Arrays.fill(none, Double.NaN);
                    return none;
                });
    }

    private static void number(JsonGenerator json, double value) {
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }

    private static String number(double value) {
        return Double.isFinite(value) ? String.valueOf(value) : "";
    }

    private static String quoted(String text) {
        return text.matches("[^\",\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}

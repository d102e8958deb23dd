package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/**
 * Faithfulness by the share of the edges that is kept.
 *
 * @param signed curves of the scores and of random ones, by score
 * @param absolute the same, by absolute score
 */
public record CurvesReport(List<CircuitCurve> signed, List<CircuitCurve> absolute) {
    void show(Console console) {
        CircuitCurve curve = signed.getFirst();
        CircuitCurve random = signed.getLast();
        Table sizes = new Table(">of the edges", ">asked", ">kept", ">faithfulness", ">random scores");
        for (int i = 0; i < curve.points().size(); i++) {
            CircuitCurve.Point point = curve.points().get(i);
            sizes.row(
                    String.format(Locale.ROOT, "%s %%", percent(point.fraction())),
                    String.valueOf(point.asked()),
                    String.valueOf(point.kept()),
                    point.faithfulness(),
                    random.points().get(i).faithfulness());
        }
        sizes.print(console);
        console.out().println();
        Table areas = new Table("area of the curve", ">CPR", ">CMD", ">under, absolute", ">from 1, by score");
        for (int i = 0; i < signed.size(); i++) {
            areas.row(
                    signed.get(i).method(),
                    signed.get(i).area(),
                    absolute.get(i).areaFromOne(),
                    absolute.get(i).area(),
                    signed.get(i).areaFromOne());
        }
        areas.print(console);
        console.out()
                .println(console.dim("CPR: under the curve by score, .999 or more at best; CMD: from 1, by absolute"
                        + " score, 0 at best"));
    }

    private static String percent(double fraction) {
        double percent = fraction * 100;
        return Math.abs(percent - Math.rint(percent)) < 1e-9
                ? String.valueOf(Math.round(percent))
                : String.format(Locale.ROOT, "%.1f", percent);
    }

    String csv() {
        StringBuilder csv = new StringBuilder("scores,selection,fraction,asked,kept,metric,faithfulness\n");
        List<CircuitCurve> curves = new ArrayList<>(signed);
        curves.addAll(absolute);
        for (CircuitCurve curve : curves) {
            for (CircuitCurve.Point point : curve.points()) {
                csv.append('"')
                        .append(curve.method())
                        .append("\",")
                        .append(curve.selection())
                        .append(',')
                        .append(point.fraction())
                        .append(',')
                        .append(point.asked())
                        .append(',')
                        .append(point.kept())
                        .append(',')
                        .append(point.metric())
                        .append(',')
                        .append(point.faithfulness())
                        .append('\n');
            }
        }
        return csv.toString();
    }

    void writeJson(JsonGenerator json) {
        json.writeArrayPropertyStart("curves");
        for (int i = 0; i < signed.size(); i++) {
            json.writeStartObject();
            json.writeStringProperty("scores", signed.get(i).method());
            JsonOutput.number(json, "cpr", signed.get(i).area());
            JsonOutput.number(json, "cmd", absolute.get(i).areaFromOne());
            JsonOutput.number(json, "area_absolute", absolute.get(i).area());
            JsonOutput.number(json, "area_from_1_signed", signed.get(i).areaFromOne());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}

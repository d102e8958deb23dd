package dev.hyaline.tools.report;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.robustness.Robustness;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * How far a finding stays the same under each variation.
 *
 * @param metric of pairs; null of a finding of prompts, which are no pairs
 * @param samples the number of pairs or prompts
 */
public record RobustnessReport(
        Console console,
        Study study,
        String method,
        @Nullable Metric metric,
        int samples,
        Robustness robustness) {
    private static final int WIDTH = 30;

    /** Prints the scores as text or as one JSON document. */
    public void print(boolean json) {
        if (json) {
            JsonOutput.print(console, this::write);
        } else {
            show();
        }
    }

    private void show() {
        if (metric != null) {
            StudyHeading.print(console, study.model(), study.pairs(), ", " + method + " by " + metric.quantity());
        } else {
            console.out()
                    .println(
                            console.bold(study.model()) + "  " + DisplayText.plural(samples, "prompt") + ", " + method);
            console.out().println();
        }
        boolean circuit = robustness.variations().stream().anyMatch(scored -> !Double.isNaN(scored.faithfulness()));
        Table table = circuit
                ? new Table("family", "variation", ">score", ">ranking", ">signs", ">set", ">effect", ">f", "")
                : new Table("family", "variation", ">score", ">ranking", ">signs", ">set", ">map", "");
        for (Robustness.Scored scored : robustness.variations()) {
            List<Object> row = new ArrayList<>(List.of(
                    scored.family(),
                    shortened(scored.name()),
                    scored.score(),
                    scored.ranking(),
                    scored.signs(),
                    scored.set(),
                    circuit ? scored.effect() : scored.map()));
            if (circuit) {
                row.add(scored.faithfulness());
            }
            row.add(scored.inScope() ? "" : "absent");
            table.row(row.toArray());
        }
        table.print(console);
        console.out().println();
        Table families = new Table("family", ">score");
        robustness.families().forEach((family, score) -> families.row(family, score));
        families.print(console);
        console.out().println();
        if (robustness.variations().stream().anyMatch(scored -> !scored.inScope())) {
            console.out().println("absent: out of scope, since the behaviour itself is absent under the variation");
        }
        console.out()
                .println(console.bold(robustness.verdict().toString()) + "  score "
                        + TableView.figure(robustness.score()) + ", " + interval());
        console.out().println(robustness.verdict().meaning());
        if (metric != null) {
            console.out().println(console.dim(TableView.units(study.pairs())));
        }
    }

    private String interval() {
        Interval interval = robustness.interval();
        return Double.isNaN(interval.low())
                ? "no interval: fewer than 3 units, or no resample could be scored"
                : "95% interval " + TableView.figure(interval.low()) + " to " + TableView.figure(interval.high());
    }

    /** A template is longer than a line has room for; JSON has the whole. */
    private static String shortened(String name) {
        return name.length() <= WIDTH ? name : name.substring(0, WIDTH - 3) + "...";
    }

    private void write(JsonGenerator out) {
        out.writeStringProperty("model", study.model());
        out.writeStringProperty("method", method);
        if (metric != null) {
            out.writeStringProperty("metric", metric.name());
        }
        out.writeNumberProperty("n", samples);
        Optional<Units> units =
                metric == null ? Optional.empty() : study.pairs().units();
        out.writeNumberProperty("units", units.map(Units::count).orElse(samples));
        out.writeBooleanProperty("units_known", units.isPresent());
        out.writeStringProperty("verdict", robustness.verdict().toString());
        JsonOutput.number(out, "score", robustness.score());
        JsonOutput.number(out, "interval_low", robustness.interval().low());
        JsonOutput.number(out, "interval_high", robustness.interval().high());
        out.writeObjectPropertyStart("families");
        robustness.families().forEach((family, score) -> JsonOutput.number(out, family, score));
        out.writeEndObject();
        out.writeArrayPropertyStart("variations");
        for (Robustness.Scored scored : robustness.variations()) {
            out.writeStartObject();
            out.writeStringProperty("family", scored.family());
            out.writeStringProperty("name", scored.name());
            out.writeBooleanProperty("in_scope", scored.inScope());
            JsonOutput.number(out, "score", scored.score());
            JsonOutput.number(out, "ranking", scored.ranking());
            JsonOutput.number(out, "signs", scored.signs());
            JsonOutput.number(out, "set", scored.set());
            JsonOutput.number(out, "map", scored.map());
            JsonOutput.number(out, "effect", scored.effect());
            JsonOutput.number(out, "faithfulness", scored.faithfulness());
            out.writeEndObject();
        }
        out.writeEndArray();
    }
}

package dev.hyaline.tools.report;

import dev.hyaline.analysis.investigation.discovery.Hierarchy;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import tools.jackson.core.JsonGenerator;

/** A behaviour's parts, level by level. */
public record HierarchyReport(Console console, Study study, Metric metric, Hierarchy hierarchy) {
    /** Prints the levels as text or as one JSON document. */
    public void print(boolean json) {
        if (json) {
            JsonOutput.print(console, this::write);
        } else {
            show();
        }
    }

    private void show() {
        StudyHeading.print(console, study.model(), study.pairs(), ", hierarchy by " + metric.quantity());
        for (Hierarchy.HierarchyLevel level : hierarchy.levels()) {
            console.out().println(console.bold(level.name()));
            Table table = new Table("part", "of", ">loss", ">low", ">high", ">|loss|", ">p", "taken apart");
            for (Hierarchy.HierarchyPart part : level.parts()) {
                table.row(
                        part.name(),
                        part.parent(),
                        part.mean(),
                        part.interval() == null ? Double.NaN : part.interval().low(),
                        part.interval() == null ? Double.NaN : part.interval().high(),
                        part.meanAbsolute(),
                        part.adjustedP(),
                        part.gate() == Hierarchy.Gate.CLOSED ? "" : part.gate().toString());
            }
            table.print(console);
            console.out().println();
        }
        console.out().println(hierarchy.end());
        console.out().println(console.dim(TableView.units(study.pairs())));
    }

    private void write(JsonGenerator out) {
        out.writeStringProperty("model", study.model());
        out.writeStringProperty("metric", metric.name());
        out.writeNumberProperty("n", study.pairs().size());
        out.writeArrayPropertyStart("levels");
        for (Hierarchy.HierarchyLevel level : hierarchy.levels()) {
            out.writeStartObject();
            out.writeStringProperty("name", level.name());
            out.writeArrayPropertyStart("parts");
            for (Hierarchy.HierarchyPart part : level.parts()) {
                out.writeStartObject();
                out.writeStringProperty("name", part.name());
                out.writeStringProperty("parent", part.parent());
                JsonOutput.number(out, "mean", part.mean());
                JsonOutput.number(out, "mean_absolute", part.meanAbsolute());
                JsonOutput.number(
                        out,
                        "interval_low",
                        part.interval() == null ? Double.NaN : part.interval().low());
                JsonOutput.number(
                        out,
                        "interval_high",
                        part.interval() == null ? Double.NaN : part.interval().high());
                JsonOutput.number(out, "adjusted_p", part.adjustedP());
                out.writeStringProperty("gate", part.gate().toString());
                out.writeEndObject();
            }
            out.writeEndArray();
            out.writeEndObject();
        }
        out.writeEndArray();
        out.writeStringProperty("end", hierarchy.end());
    }
}

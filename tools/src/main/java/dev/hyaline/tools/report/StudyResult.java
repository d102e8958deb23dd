package dev.hyaline.tools.report;

import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.analysis.laboratory.StudyReport;
import dev.hyaline.analysis.laboratory.StudyReport.ClaimResult;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** What an investigation found, claim by claim, and its verdict. */
public record StudyResult(Console console, String title, StudyReport report) {

    /** Prints it as text or as one JSON document. */
    public void print(boolean json) {
        if (json) {
            JsonOutput.print(console, this::write);
        } else {
            show();
        }
    }

    private void show() {
        console.out().println(console.bold(title));
        if (!report.claims().isEmpty()) {
            Table table = new Table("claim", ">found", ">low", ">high", ">claimed", "verdict");
            for (ClaimResult claim : report.claims()) {
                table.row(
                        claim.name() + (claim.primary() ? "" : " (secondary)"),
                        figure(claim.estimate()),
                        figure(claim.low()),
                        figure(claim.high()),
                        figure(claim.bound()),
                        claim.verdict());
            }
            table.print(console);
            console.out().println();
        }
        HypothesisVerdict verdict = report.verdict();
        if (!report.present()) {
            console.out().println(console.bold("not present") + ": the model does not show the behaviour");
        } else if (verdict == null) {
            console.out().println("done up to " + report.reached());
        } else {
            console.out()
                    .println("The hypothesis is " + console.bold(verdict.word().toString()) + ".");
            verdict.reasons().forEach(reason -> console.out().println("  " + reason));
        }
        console.out().println(console.dim(report.folder().toString()));
    }

    private static String figure(@Nullable Double value) {
        return value == null ? "" : TableView.figure(value);
    }

    private void write(JsonGenerator out) {
        HypothesisVerdict verdict = report.verdict();
        out.writeStringProperty("folder", report.folder().toString());
        out.writeStringProperty("reached", report.reached());
        out.writeBooleanProperty("behaviour_present", report.present());
        out.writeName("verdict");
        if (verdict == null) {
            out.writeNull();
        } else {
            out.writeString(verdict.word().toString());
        }
        out.writeArrayPropertyStart("reasons");
        if (verdict != null) {
            verdict.reasons().forEach(out::writeString);
        }
        out.writeEndArray();
        out.writeArrayPropertyStart("claims");
        for (ClaimResult claim : report.claims()) {
            out.writeStartObject();
            out.writeStringProperty("name", claim.name());
            out.writeBooleanProperty("primary", claim.primary());
            out.writeStringProperty("verdict", claim.verdict());
            number(out, "estimate", claim.estimate());
            number(out, "low", claim.low());
            number(out, "high", claim.high());
            number(out, "bound", claim.bound());
            number(out, "adjusted_p", claim.adjustedP());
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private static void number(JsonGenerator out, String key, @Nullable Double value) {
        JsonOutput.number(out, key, value == null ? Double.NaN : value);
    }
}

package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitRecovery;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import tools.jackson.core.JsonGenerator;

/**
 * How well scores tell the edges of a known circuit from others.
 *
 * @param absolute by absolute score
 * @param signed by score
 */
public record RecoveryReport(CircuitRecovery absolute, CircuitRecovery signed) {
    public static RecoveryReport of(EdgeScores scores, Circuit known) {
        return new RecoveryReport(CircuitRecovery.of(scores, known, true), CircuitRecovery.of(scores, known, false));
    }

    void show(Console console) {
        console.out()
                .println("Known circuit: AUROC " + TableView.figure(absolute.auroc()) + " by absolute score, "
                        + TableView.figure(signed.auroc()) + " by score, " + TableView.figure(absolute.mib())
                        + " as MIB computes it; average precision "
                        + TableView.figure(absolute.averagePrecision()));
    }

    void writeJson(JsonGenerator json) {
        json.writeObjectPropertyStart("known_circuit");
        JsonOutput.number(json, "auroc_absolute", absolute.auroc());
        JsonOutput.number(json, "auroc_signed", signed.auroc());
        JsonOutput.number(json, "auroc_mib", absolute.mib());
        JsonOutput.number(json, "average_precision_absolute", absolute.averagePrecision());
        JsonOutput.number(json, "average_precision_signed", signed.averagePrecision());
        json.writeEndObject();
    }
}

package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.List;

/**
 * The metric of a circuit that is kept alone, by pair.
 *
 * @param kept with the circuit's edges alone
 * @param empty with no edge
 * @param full with every edge
 */
public record KeptCircuit(double[] kept, double[] empty, double[] full) {
    /** @throws BadShapeException if they are of different numbers of pairs */
    public KeptCircuit {
        if (kept.length != empty.length || kept.length != full.length) {
            throw new BadShapeException(
                    "a circuit's metric by pair",
                    "as many values with no edge and with every edge",
                    kept.length + ", " + empty.length + " and " + full.length);
        }
    }

    /**
     * Runs a circuit with the method's ablation of all else.
     *
     * @throws BadInputException if the circuit is of another model
     */
    static KeptCircuit measure(Subject subject, Circuit circuit, Method method) {
        CircuitExperiment experiment = CircuitExperiment.of(
                Experiment.start(subject.model(), subject.pairs(), subject.metric()), method.ablation());
        double[][] measured = experiment.measure(List.of(circuit, experiment.empty(), experiment.full()));
        return new KeptCircuit(measured[0], measured[1], measured[2]);
    }

    /** The share of the distance from empty to full that the circuit keeps, pairs counting as their weights say. */
    double faithfulness(double[] weights) {
        double above = 0;
        double gap = 0;
        for (int pair = 0; pair < kept.length; pair++) {
            above += weights[pair] * (kept[pair] - empty[pair]);
            gap += weights[pair] * (full[pair] - empty[pair]);
        }
        return above / gap;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}

package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.instrument.weights.WeightProcessing;
import dev.hyaline.weights.Checkpoint;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** The processing steps applied to a model's weights before it runs. */
public final class WeightOptions implements CheckedOptions {
    private static final String ALL = "all";

    @Option(
            names = "--process",
            paramLabel = "STEPS",
            split = ",",
            description = {
                "Run weights processed as by TransformerLens: all, or some of fold_ln, center_writing_weights,"
                        + " center_unembed, fold_value_biases, with commas between. Default: as they are."
            })
    private List<String> names = List.of();

    @Override
    public void check() {
        steps();
    }

    /**
     * The chosen steps, in the order in which they are applied.
     *
     * @throws BadInputException if there is no such step
     */
    public List<ProcessingStep> steps() {
        return names.stream().flatMap(WeightOptions::steps).distinct().sorted().toList();
    }

    private static Stream<ProcessingStep> steps(String name) {
        if (name.equals(ALL)) {
            return Stream.of(ProcessingStep.values());
        }
        try {
            return Stream.of(ProcessingStep.of(name));
        } catch (BadInputException e) {
            throw new BadInputException("--process: " + e.getMessage());
        }
    }

    /** Reads a checkpoint's parameters and applies the steps. */
    public Gpt2Weights weights(Checkpoint checkpoint) {
        List<ProcessingStep> steps = steps();
        return steps.isEmpty()
                ? checkpoint.weights()
                : WeightProcessing.processWeights(checkpoint.config(), checkpoint.tensors(), steps);
    }

    /** The options that choose the same again. */
    public List<String> canonical() {
        List<ProcessingStep> steps = steps();
        return steps.isEmpty()
                ? List.of()
                : List.of(
                        "--process",
                        steps.stream().map(ProcessingStep::toString).collect(Collectors.joining(",")));
    }
}

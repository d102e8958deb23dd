package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Target;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What all attention heads together add to a metric: the scale on which a circuit of heads has its faithfulness f,
 * (mean with the circuit kept - mean with no head kept) / (mean of the model - mean with no head kept).
 *
 * @param full mean metric of the clean prompts
 * @param empty the same with every head ablated
 */
public record HeadGap(double full, double empty) {
    /** The end of what a table of shares calls its quantity. */
    public static final String SHARE = " as a share of what all heads add";

    /** Runs the clean prompts with every head ablated. */
    public static HeadGap measure(Experiment experiment, Ablation ablation) {
        Gpt2Config config = experiment.config();
        List<Target> heads = IntStream.range(0, config.nLayers() * config.nHeads())
                .mapToObj(cell -> new Node.Head(cell / config.nHeads(), cell % config.nHeads()).output())
                .toList();
        ResultTable ablated = experiment
                .sweep(AblationSweep.ofSets(config, ablation, Map.of("all heads", heads)))
                .table();
        return new HeadGap(experiment.baselines().meanClean(), ablated.mean(0));
    }

    /**
     * A difference of the metric as a share of the gap.
     *
     * @throws BadInputException if there is no gap
     */
    public double share(double difference) {
        double gap = full - empty;
        if (gap == 0 || !Double.isFinite(gap)) {
            throw new BadInputException("the metric is " + full + " with all heads and " + empty
                    + " with none; there is nothing to take shares of");
        }
        return difference / gap;
    }

    /**
     * A table of differences of the metric as shares of the gap; 0 is neutral.
     *
     * @throws BadInputException if there is no gap
     */
    public ResultTable share(ResultTable differences) {
        return differences
                .map(differences.quantity() + SHARE, "share", (sample, value) -> share(value))
                .neutralAt(0);
    }
}

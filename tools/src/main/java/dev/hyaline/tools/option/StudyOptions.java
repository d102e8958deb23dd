package dev.hyaline.tools.option;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.tools.terminal.Console;
import picocli.CommandLine.Mixin;

/** The options of a study of pairs of prompts: the pairs, a metric, and the options of every analysis. */
public final class StudyOptions {
    @Mixin
    private PairOptions pairs;

    @Mixin
    private MetricOptions metric;

    @Mixin
    private AnalysisOptions analysis;

    public PairOptions pairs() {
        return pairs;
    }

    public Metric metric() {
        return metric.metric();
    }

    public AnalysisOptions analysis() {
        return analysis;
    }

    public TableOptions tables() {
        return analysis.tables();
    }

    public boolean json() {
        return analysis.json();
    }

    /** Opens the model's checkpoint, and reads the pairs and checks them against it. */
    public Study open(Console console) {
        return Study.of(analysis, pairs, console);
    }
}

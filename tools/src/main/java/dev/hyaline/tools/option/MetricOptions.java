package dev.hyaline.tools.option;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import picocli.CommandLine.Option;

/** The metric of a task. */
public final class MetricOptions implements CheckedOptions {
    @Option(
            names = "--metric",
            paramLabel = "NAME",
            completionCandidates = Names.class,
            description = {
                "logit-diff (answer less distractor), logit, log-prob, prob-diff, kl (to the clean run), cross-entropy"
                        + " or accuracy. Default: ${DEFAULT-VALUE}"
            })
    private String metric = "logit-diff";

    /** The metrics' names. */
    static final class Names extends Choice<String> {
        Names() {
            super(Metric.all(PromptPair.END).stream().map(Metric::name).toList());
        }
    }

    @Option(
            names = "--at",
            paramLabel = "ROLE",
            description = "Role of the position whose next token the metric is about. Default: ${DEFAULT-VALUE}")
    private String role = PromptPair.END;

    @Override
    public void check() {
        metric();
    }

    public Metric metric() {
        return Metric.all(role).stream()
                .filter(known -> known.name().equals(metric))
                .findFirst()
                .orElseThrow(() -> new BadInputException("--metric: expected "
                        + Choice.oneOf(
                                Metric.all(role).stream().map(Metric::name).toList()) + ", found '"
                        + metric + "'"));
    }
}

package dev.hyaline.tools.option;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.gradient.GradientPass;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The metric whose gradients a command writes in place of activations, with the answers it compares. */
public final class GradientOptions implements CheckedOptions {
    private static final String DEFAULT_ANSWER = " Mary";
    private static final String DEFAULT_DISTRACTOR = " John";
    private static final List<Metric> METRICS = Metric.all(PromptPair.END);

    /** The metrics' names. */
    static final class Names extends Choice<String> {
        Names() {
            super(METRICS.stream().map(Metric::name).toList());
        }
    }

    @Option(
            names = "--gradients",
            paramLabel = "METRIC",
            completionCandidates = Names.class,
            description = {
                "Write gradients instead of activations, of a metric at each prompt's last token: logit-diff (answer"
                        + " minus distractor), logit, log-prob, prob-diff; or of cross-entropy over the prompt. The"
                        + " tensors are named grad.SITE."
            })
    private @Nullable String metric;

    @Option(
            names = "--answer",
            paramLabel = "TEXT",
            description = {
                "The right next token, such as \" Mary\", for --gradients: one for all prompts or one for each. The"
                        + " built-in prompt has its own."
            })
    private List<String> answers = new ArrayList<>();

    @Option(
            names = "--distractor",
            paramLabel = "TEXT",
            description = "A wrong next token, for --gradients logit-diff and prob-diff.")
    private List<String> distractors = new ArrayList<>();

    @Override
    public void check() {
        if (metric == null) {
            if (!answers.isEmpty() || !distractors.isEmpty()) {
                throw new BadInputException("--answer and --distractor are for --gradients METRIC, which is missing");
            }
            return;
        }
        Metric known = metric();
        if (known.name().equals("kl")) {
            throw new BadInputException(
                    "--gradients kl: the divergence from the clean run has gradient zero on that very run");
        }
        known.requireGradient();
    }

    private Metric metric() {
        return METRICS.stream()
                .filter(known -> known.name().equals(metric))
                .findFirst()
                .orElseThrow(() -> new BadInputException("--gradients: expected "
                        + Choice.oneOf(METRICS.stream().map(Metric::name).toList()) + ", found '" + metric
                        + "'"));
    }

    /** The metric's name; empty if activations are asked for. */
    public Optional<String> name() {
        return Optional.ofNullable(metric);
    }

    /** The prompts with the tokens that the metric compares. Call it only if gradients are asked for. */
    public PromptPairs pairs(Gpt2Config config, ModelVocabulary vocabulary, Prompts prompts, boolean areBuiltIn) {
        boolean needsAnswer = !metric().name().equals("cross-entropy");
        if (needsAnswer && answers.isEmpty() && !areBuiltIn) {
            throw new BadInputException("--gradients " + metric + " needs --answer, the right next token");
        }
        List<PromptPair> pairs = new ArrayList<>();
        for (int s = 0; s < prompts.size(); s++) {
            int[] tokens = prompts.tokens(s);
            int[] answer = needsAnswer
                    ? tokens(vocabulary, "--answer", answers, DEFAULT_ANSWER, areBuiltIn, s, prompts.size())
                    : new int[] {0};
            int[] distractor =
                    tokens(vocabulary, "--distractor", distractors, DEFAULT_DISTRACTOR, areBuiltIn, s, prompts.size());
            pairs.add(new PromptPair(prompts.name(s), tokens, tokens, answer, distractor, Map.of()));
        }
        PromptPairs checked = PromptPairs.of(config, pairs);
        checked.list().forEach(pair -> metric().tokens(pair)); // refuses an incomplete pair before anything is run
        return checked;
    }

    private static int[] tokens(
            ModelVocabulary vocabulary,
            String option,
            List<String> given,
            String builtIn,
            boolean areBuiltIn,
            int index,
            int count) {
        if (given.isEmpty()) {
            return areBuiltIn ? token(vocabulary, option, builtIn) : new int[0];
        }
        if (given.size() != 1 && given.size() != count) {
            throw new BadInputException(
                    option + ": expected one for all prompts or one for each of " + count + ", found " + given.size());
        }
        return token(vocabulary, option, given.get(given.size() == 1 ? 0 : index));
    }

    private static int[] token(ModelVocabulary vocabulary, String option, String text) {
        PromptEncoder encoder = PairOptions.encoder(vocabulary, false);
        try {
            return new int[] {encoder.token(text)};
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }

    /** Returns the passes that compute the gradients. */
    public GradientPass pass(Gpt2 model, Prompts prompts, PromptPairs pairs) {
        return GradientPass.of(model, prompts, MetricObjective.of(model, pairs, Side.CLEAN, metric()));
    }

    /** The options that choose the same again. */
    public List<String> canonical() {
        List<String> options = new ArrayList<>();
        if (metric != null) {
            options.addAll(List.of("--gradients", metric));
            answers.forEach(answer -> options.addAll(List.of("--answer", answer)));
            distractors.forEach(distractor -> options.addAll(List.of("--distractor", distractor)));
        }
        return options;
    }
}

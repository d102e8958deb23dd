package dev.hyaline.analysis.metric;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A number that says how well a run does a task. It says which logits it reads; nothing else needs to be unembedded.
 * Values are formed in double precision.
 */
public sealed interface Metric {
    /** What it is called on a command line and in files, such as {@code logit-diff}. */
    String name();

    /** What it measures, in words. */
    String quantity();

    String unit();

    /** Positions whose logits it reads, ascending. */
    int[] positions(PromptPair pair);

    /** Token ids whose logits it reads there; empty for the whole vocabulary. */
    default Optional<int[]> tokens(PromptPair pair) {
        return Optional.empty();
    }

    double of(Reading reading);

    /** A metric that reads one position. */
    sealed interface AtRole extends Metric {
        /** The role of the position, such as {@code end}. */
        String role();

        @Override
        default int[] positions(PromptPair pair) {
            return new int[] {pair.position(role())};
        }
    }

    /** Mean logit of the answers less mean logit of the distractors. */
    record LogitDifference(String role) implements AtRole {
        @Override
        public String name() {
            return "logit-diff";
        }

        @Override
        public String quantity() {
            return "logit difference";
        }

        @Override
        public String unit() {
            return "logits";
        }

        @Override
        public Optional<int[]> tokens(PromptPair pair) {
            requireDistractors(this, pair);
            return Optional.of(IntStream.concat(Arrays.stream(pair.answers()), Arrays.stream(pair.distractors()))
                    .distinct()
                    .toArray());
        }

        @Override
        public double of(Reading reading) {
            int position = reading.pair().position(role);
            return meanLogit(reading, position, reading.pair().answers())
                    - meanLogit(reading, position, reading.pair().distractors());
        }
    }

    /** Mean logit of the answers. */
    record Logit(String role) implements AtRole {
        @Override
        public String name() {
            return "logit";
        }

        @Override
        public String quantity() {
            return "logit of the answer";
        }

        @Override
        public String unit() {
            return "logits";
        }

        @Override
        public Optional<int[]> tokens(PromptPair pair) {
            return Optional.of(pair.answers());
        }

        @Override
        public double of(Reading reading) {
            return meanLogit(
                    reading, reading.pair().position(role), reading.pair().answers());
        }
    }

    /** Logarithm of the probability that one of the answers comes next. */
    record LogProbability(String role) implements AtRole {
        @Override
        public String name() {
            return "log-prob";
        }

        @Override
        public String quantity() {
            return "log-probability of the answer";
        }

        @Override
        public String unit() {
            return "nats";
        }

        @Override
        public double of(Reading reading) {
            double[] all = reading.logits().logProbabilities(reading.pair().position(role));
            int[] answers = reading.pair().answers();
            double largest =
                    Arrays.stream(answers).mapToDouble(t -> all[t]).max().orElseThrow();
            // Against the largest, so that answers that are all unlikely do not vanish.
            return largest
                    + Math.log(Arrays.stream(answers)
                            .distinct()
                            .mapToDouble(t -> Math.exp(all[t] - largest))
                            .sum());
        }
    }

    /** Probability that one of the answers comes next, less that of the distractors. */
    record ProbabilityDifference(String role) implements AtRole {
        @Override
        public String name() {
            return "prob-diff";
        }

        @Override
        public String quantity() {
            return "probability difference";
        }

        @Override
        public String unit() {
            return "probability";
        }

        @Override
        public double of(Reading reading) {
            double[] all = reading.logits().logProbabilities(reading.pair().position(role));
            return probability(all, reading.pair().answers())
                    - probability(all, reading.pair().distractors());
        }

        private static double probability(double[] logProbabilities, int[] tokens) {
            return Arrays.stream(tokens)
                    .distinct()
                    .mapToDouble(t -> Math.exp(logProbabilities[t]))
                    .sum();
        }
    }

    /**
     * Kullback-Leibler divergence of the run's next-token distribution from the clean run's, {@code sum p_clean (log
     * p_clean - log p)}.
     */
    record KlToClean(String role) implements AtRole {
        @Override
        public String name() {
            return "kl";
        }

        @Override
        public String quantity() {
            return "KL divergence from the clean run";
        }

        @Override
        public String unit() {
            return "nats";
        }

        @Override
        public double of(Reading reading) {
            int position = reading.pair().position(role);
            double[] p = reading.clean().logProbabilities(position);
            double[] q = reading.logits().logProbabilities(position);
            double divergence = 0;
            for (int i = 0; i < p.length; i++) {
                divergence += Math.exp(p[i]) * (p[i] - q[i]);
            }
            return divergence;
        }
    }

    /**
     * Mean over positions of minus the log-probability of the prompt's own next token: the loss of language modelling
     * on the prompt that ran.
     */
    record CrossEntropy() implements Metric {
        @Override
        public String name() {
            return "cross-entropy";
        }

        @Override
        public String quantity() {
            return "cross-entropy";
        }

        @Override
        public String unit() {
            return "nats a token";
        }

        @Override
        public int[] positions(PromptPair pair) {
            if (pair.length() < 2) {
                throw new BadInputException(pair.name() + ": cross-entropy needs a prompt of at least two tokens");
            }
            return IntStream.range(0, pair.end()).toArray();
        }

        @Override
        public double of(Reading reading) {
            int[] positions = positions(reading.pair());
            return Arrays.stream(positions)
                            .mapToDouble(p -> -reading.logits().logProbabilities(p)[reading.tokens()[p + 1]])
                            .sum()
                    / positions.length;
        }
    }

    /** 1 if one of the answers is the likeliest next token, else 0. */
    record Accuracy(String role) implements AtRole {
        @Override
        public String name() {
            return "accuracy";
        }

        @Override
        public String quantity() {
            return "accuracy";
        }

        @Override
        public String unit() {
            return "share of pairs";
        }

        @Override
        public double of(Reading reading) {
            int likeliest = reading.logits().likeliest(reading.pair().position(role));
            return Arrays.stream(reading.pair().answers()).anyMatch(answer -> answer == likeliest) ? 1 : 0;
        }
    }

    /** Every metric, reading the position of a role where it reads one. */
    static List<Metric> all(String role) {
        return List.of(
                new LogitDifference(role),
                new Logit(role),
                new LogProbability(role),
                new ProbabilityDifference(role),
                new KlToClean(role),
                new CrossEntropy(),
                new Accuracy(role));
    }

    /** Logit difference at the last position, the field's usual choice. */
    static Metric logitDifference() {
        return new LogitDifference(PromptPair.END);
    }

    private static double meanLogit(Reading reading, int position, int[] tokens) {
        return Arrays.stream(tokens)
                .mapToDouble(token -> reading.logits().at(position, token))
                .average()
                .orElseThrow();
    }

    private static void requireDistractors(Metric metric, PromptPair pair) {
        if (pair.distractors().length == 0) {
            throw new BadInputException(pair.name() + ": the metric " + metric.name() + " needs a distractor");
        }
    }
}

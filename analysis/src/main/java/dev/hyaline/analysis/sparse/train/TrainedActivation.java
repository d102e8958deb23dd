package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;

/** An activation function to train, with the penalty that makes latents sparse. */
public sealed interface TrainedActivation {
    /**
     * ReLU with an L1 penalty.
     *
     * @param weighted whether the penalty weighs each latent by the length of its decoder row
     */
    record PenalizedRelu(double l1, boolean weighted) implements TrainedActivation {}

    /**
     * ReLU with a penalty {@code sum f^p}, where {@code p} falls from 1 in equal steps while training goes on (Karvonen
     * et al. 2024, "Measuring progress in dictionary learning for language model interpretability with board game
     * models"). At each step of {@code p} the coefficient is rescaled so that the batch's penalty stays what it was.
     *
     * @param weighted whether the penalty weighs each latent by the length of its decoder row
     * @param end what {@code p} falls to
     * @param from the step of training at which it begins to fall
     * @param to the step at which it is there
     * @param updates number of times that it falls
     */
    record AnnealedRelu(double l1, boolean weighted, double end, long from, long to, int updates)
            implements TrainedActivation {
        public AnnealedRelu {
            if (!(end > 0 && end <= 1)) {
                throw new BadInputException("the penalty's exponent must fall to above 0 and at most 1, found " + end);
            }
            if (from < 0 || to <= from || updates < 1 || updates > to - from) {
                throw new BadInputException("the penalty's exponent must fall at least once and at most once a step,"
                        + " found " + updates + " times from step " + from + " to " + to);
            }
        }

        /** The exponent at a step of training, counted from 0. */
        double exponent(long step) {
            long interval = (to - from) / updates;
            long fallen = step < from ? 0 : Math.min(updates, (step - from) / interval + 1);
            return 1 - (1 - end) * fallen / updates;
        }
    }

    /**
     * A gate and a magnitude; the penalty is on the gate, and the gate alone reconstructs once more.
     *
     * @param frozen whether that second reconstruction goes through a decoder held constant, and the penalty is not
     *     weighted: the paper and dictionary_learning; SAELens holds nothing constant
     */
    record PenalizedGate(double l1, boolean frozen) implements TrainedActivation {}

    /**
     * The largest of each token, or of the whole batch.
     *
     * @param k latents a token; with {@code batch} on average, and not necessarily whole
     * @param rescaled whether latents compete multiplied by the length of their decoder row
     * @param batch whether all tokens of a batch compete: {@code floor(k tokens)} in all
     */
    record TrainedTopK(double k, boolean rescaled, boolean batch) implements TrainedActivation {
        public TrainedTopK {
            if (!(k > 0) || Double.isInfinite(k) || (!batch && k != Math.floor(k))) {
                throw new BadInputException("k must be a finite number above 0, and whole unless all tokens of a batch"
                        + " compete, found " + k);
            }
        }
    }

    /**
     * A threshold a latent, trained by pseudo-gradients.
     *
     * @param bandwidth width of the window about the threshold in which the pseudo-gradient acts
     * @param sparsity the penalty
     * @param coefficient of the penalty
     * @param scale of {@link Sparsity#TANH}: what latents are multiplied by; of {@link Sparsity#TARGET}: the number of
     *     latents wanted
     * @param preActivation coefficient of the pull on dead latents; 0 for none
     * @param toInput whether the pseudo-gradient reaches the pre-activation too
     * @param logarithmic whether the logarithm of the threshold is the parameter, as in SAELens before its pull request
     *     718
     */
    record TrainedJump(
            double bandwidth,
            Sparsity sparsity,
            double coefficient,
            double scale,
            double preActivation,
            boolean toInput,
            boolean logarithmic)
            implements TrainedActivation {
        public TrainedJump {
            if (!(bandwidth > 0)) {
                throw new BadInputException("the bandwidth must be above 0, found " + bandwidth);
            }
        }

        /** With SAELens's penalty and its usual bandwidth. */
        public static TrainedJump of(double coefficient) {
            return new TrainedJump(0.05, Sparsity.STEP, coefficient, 0, 0, false, false);
        }
    }

    /** The penalty of {@link TrainedJump}. */
    enum Sparsity {
        /** The number of latents. */
        STEP,
        /** {@code sum tanh(scale f |w|)}. */
        TANH,
        /** {@code (L0 / wanted - 1)^2}. */
        TARGET
    }

    /** The coefficient that grows while training warms up; 1 where there is none. */
    default double coefficient() {
        return switch (this) {
            case PenalizedRelu relu -> relu.l1;
            case AnnealedRelu relu -> relu.l1;
            case PenalizedGate gated -> gated.l1;
            case TrainedTopK top -> 1;
            case TrainedJump jump -> jump.coefficient;
        };
    }
}

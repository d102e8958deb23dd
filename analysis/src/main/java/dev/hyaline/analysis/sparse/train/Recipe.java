package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.function.Consumer;

/**
 * A loss and how its gradient moves the parameters: what is done in one step, whatever the data. Immutable; each method
 * returns a changed copy.
 *
 * @param reconstruction how the squared error is scaled
 * @param reconstructionScale of {@link Reconstruction#MEAN}; 1 for the others
 * @param auxiliary what revives dead latents
 * @param auxiliaryCoefficient its weight
 * @param auxiliaryK dead latents a token that take part; 0 for half the width
 * @param prefixes ends of the latents' prefixes that are dictionaries of their own (Matryoshka), ascending, the last
 *     one the number of latents; none for a plain dictionary
 * @param prefixWeights of the loss of each
 * @param multiTopK whether a second reconstruction with 4 k latents counts an eighth
 * @param threshold how the threshold of a top-k autoencoder follows its activations
 */
public record Recipe(
        TrainedActivation activation,
        Reconstruction reconstruction,
        double reconstructionScale,
        Auxiliary auxiliary,
        double auxiliaryCoefficient,
        int auxiliaryK,
        List<Integer> prefixes,
        List<Double> prefixWeights,
        boolean multiTopK,
        ThresholdRule threshold,
        Optimizer optimizer) {
    /** How the squared error of a batch is scaled. */
    public enum Reconstruction {
        /** Mean over tokens of the sum over dimensions. */
        SQUARED_ERROR,
        /** Divided by the variance of the batch: the fraction of variance unexplained. */
        UNEXPLAINED_VARIANCE,
        /** Mean over tokens and dimensions, times a constant. */
        MEAN
    }

    /** A loss that only dead latents take part in: they reconstruct what the others left. */
    public enum Auxiliary {
        NONE,
        /** Scaled by the share of dead latents; pre-activations as they are. */
        SAELENS,
        /** Over the variance of what is left; relu. */
        DICTIONARY_LEARNING,
        /** Scaled by the share of dead latents, over the variance of the batch; relu. */
        SPARSIFY,
        /** Over the variance of what is left, with the decoder's bias; relu. */
        OPENAI,
        /**
         * Ghost gradients (Jermyn and Templeton 2024): all dead latents, by the exponential of their pre-activations
         * without the decoder's bias; scaled to half the length of what is left, and their loss to that of the others,
         * token by token. Both scales count as constants. For any activation with an encoder bias.
         */
        GHOST
    }

    /** How the threshold of a top-k autoencoder, with which it runs once it is trained, follows training. */
    public enum ThresholdRule {
        NONE,
        /** {@code .99 threshold + .01 smallest}, from 0. */
        SAELENS,
        /** The first smallest as it is, then {@code .999 threshold + .001 smallest}. */
        DICTIONARY_LEARNING
    }

    /** A rule for the length of decoder rows. */
    public enum DecoderRule {
        /** Nothing. */
        FREE,
        /** The gradient is projected off each row, and rows are brought back to length one after the step. */
        UNIT,
        /** Rows are brought to length one and the gradient is projected before the step. */
        NORMALIZED_BEFORE,
        /** The gradient is projected, rows are left as the step leaves them. */
        PROJECTED
    }

    /**
     * Adam (Kingma and Ba 2015).
     *
     * @param clip bound of the gradient's length, all parameters together; 0 for none
     * @param projectionEps added to a row's length where the gradient is projected off it
     */
    public record Optimizer(
            double beta1, double beta2, double eps, double clip, DecoderRule decoder, double projectionEps) {
        /** SAELens's: clipped at 1, free decoder. */
        public static Optimizer saeLens() {
            return new Optimizer(0.9, 0.999, 1e-8, 1, DecoderRule.FREE, 0);
        }
    }

    public Recipe {
        prefixes = List.copyOf(prefixes);
        prefixWeights = List.copyOf(prefixWeights);
        if (prefixes.size() != prefixWeights.size()) {
            throw new BadInputException("each prefix needs a weight, found " + prefixes.size() + " prefixes and "
                    + prefixWeights.size() + " weights");
        }
        for (int i = 0; i < prefixes.size(); i++) {
            if (prefixes.get(i) <= (i == 0 ? 0 : prefixes.get(i - 1))) {
                throw new BadInputException("the widths of prefixes must ascend, found " + prefixes);
            }
        }
        boolean topK = activation instanceof TrainedActivation.TrainedTopK;
        if ((multiTopK || (auxiliary != Auxiliary.NONE && auxiliary != Auxiliary.GHOST)) && !topK) {
            throw new BadInputException("auxiliary losses and 4 k latents are for top-k autoencoders");
        }
        if (auxiliary == Auxiliary.GHOST && activation instanceof TrainedActivation.PenalizedGate) {
            throw new BadInputException("ghost gradients are for latents with one pre-activation, not for gated ones");
        }
        if (!prefixes.isEmpty() && !topK) {
            throw new BadInputException("prefixes are for top-k autoencoders");
        }
    }

    /** A squared error and what the activation penalises, with SAELens's optimizer. */
    public static Recipe of(TrainedActivation activation) {
        boolean top = activation instanceof TrainedActivation.TrainedTopK;
        return new Recipe(
                activation,
                Reconstruction.SQUARED_ERROR,
                1,
                top ? Auxiliary.SAELENS : Auxiliary.NONE,
                1,
                0,
                List.of(),
                List.of(),
                false,
                activation instanceof TrainedActivation.TrainedTopK choice && choice.batch()
                        ? ThresholdRule.SAELENS
                        : ThresholdRule.NONE,
                Optimizer.saeLens());
    }

    public Recipe reconstruction(Reconstruction kind, double scale) {
        return with(draft -> {
            draft.reconstruction = kind;
            draft.reconstructionScale = scale;
        });
    }

    /**
     * The same with another loss of dead latents.
     *
     * @param k dead latents a token; 0 for half the width
     */
    public Recipe auxiliary(Auxiliary kind, double coefficient, int k) {
        return with(draft -> {
            draft.auxiliary = kind;
            draft.auxiliaryCoefficient = coefficient;
            draft.auxiliaryK = k;
        });
    }

    public Recipe prefixes(List<Integer> ends, List<Double> weights) {
        return with(draft -> {
            draft.prefixes = ends;
            draft.prefixWeights = weights;
        });
    }

    public Recipe withMultiTopK() {
        return with(draft -> draft.multiTopK = true);
    }

    public Recipe threshold(ThresholdRule rule) {
        return with(draft -> draft.threshold = rule);
    }

    public Recipe optimizer(Optimizer other) {
        return with(draft -> draft.optimizer = other);
    }

    /** The fields of a copy that is about to be made. */
    private static final class Draft {
        private TrainedActivation activation;
        private Reconstruction reconstruction;
        private double reconstructionScale;
        private Auxiliary auxiliary;
        private double auxiliaryCoefficient;
        private int auxiliaryK;
        private List<Integer> prefixes;
        private List<Double> prefixWeights;
        private boolean multiTopK;
        private ThresholdRule threshold;
        private Optimizer optimizer;

        Draft(Recipe from) {
            activation = from.activation;
            reconstruction = from.reconstruction;
            reconstructionScale = from.reconstructionScale;
            auxiliary = from.auxiliary;
            auxiliaryCoefficient = from.auxiliaryCoefficient;
            auxiliaryK = from.auxiliaryK;
            prefixes = from.prefixes;
            prefixWeights = from.prefixWeights;
            multiTopK = from.multiTopK;
            threshold = from.threshold;
            optimizer = from.optimizer;
        }

        Recipe copy() {
            return new Recipe(
                    activation,
                    reconstruction,
                    reconstructionScale,
                    auxiliary,
                    auxiliaryCoefficient,
                    auxiliaryK,
                    prefixes,
                    prefixWeights,
                    multiTopK,
                    threshold,
                    optimizer);
        }
    }

    private Recipe with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.copy();
    }
}

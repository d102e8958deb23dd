package dev.hyaline.analysis.investigation;

import java.util.Locale;

/** The result that a claim predicts: a direction and a number. */
public sealed interface Expectation {
    /** The unit of a number. */
    enum EffectUnit {
        /** The metric's own. */
        METRIC,
        /** The mean metric of the whole model less that with every candidate ablated. */
        GAP;

        /** In lower case. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A number and its unit. */
    record EffectAmount(double value, EffectUnit unit) {
        /**
         * The number in the metric's unit.
         *
         * @param gap in the metric's unit
         */
        public double inMetric(double gap) {
            return unit == EffectUnit.GAP ? value * Math.abs(gap) : value;
        }

        @Override
        public String toString() {
            return unit == EffectUnit.GAP ? value + " of the gap" : value + " of the metric";
        }
    }

    /** The metric falls by at least so much. */
    record Decrease(EffectAmount amount) implements Expectation {}

    /** The metric rises by at least so much. */
    record Increase(EffectAmount amount) implements Expectation {}

    /** The metric changes by less than so much. */
    record NoEffect(EffectAmount amount) implements Expectation {}

    /** What is kept alone has at least this share of the gap. */
    record FaithfulnessAtLeast(double share) implements Expectation {}

    /** The attention is at least so large. */
    record AttentionAtLeast(double share) implements Expectation {}

    /** The paths carry at least this share of the senders' whole effect. */
    record ShareOfPathAtLeast(double share) implements Expectation {}

    /** The key in a file. */
    default String key() {
        return switch (this) {
            case Decrease decrease -> "decrease";
            case Increase increase -> "increase";
            case NoEffect none -> "no_effect";
            case FaithfulnessAtLeast faithfulness -> "faithfulness_at_least";
            case AttentionAtLeast attention -> "attention_at_least";
            case ShareOfPathAtLeast share -> "share_of_path_at_least";
        };
    }

    /** The number in the expectation's own unit. */
    default double number() {
        return switch (this) {
            case Decrease(EffectAmount amount) -> amount.value();
            case Increase(EffectAmount amount) -> amount.value();
            case NoEffect(EffectAmount amount) -> amount.value();
            case FaithfulnessAtLeast(double share) -> share;
            case AttentionAtLeast(double share) -> share;
            case ShareOfPathAtLeast(double share) -> share;
        };
    }

    /**
     * The number in the unit of what is tested: the metric's for an effect.
     *
     * @param gap that shares of it are of, in the metric's unit
     */
    default double bound(double gap) {
        return switch (this) {
            case Decrease(EffectAmount amount) -> amount.inMetric(gap);
            case Increase(EffectAmount amount) -> amount.inMetric(gap);
            case NoEffect(EffectAmount amount) -> amount.inMetric(gap);
            default -> number();
        };
    }

    /** In words, such as {@code "lowers the metric by at least 0.5 of the gap"}. */
    default String words() {
        return switch (this) {
            case Decrease(EffectAmount amount) -> "lowers it by at least " + amount;
            case Increase(EffectAmount amount) -> "raises it by at least " + amount;
            case NoEffect(EffectAmount amount) -> "changes it by less than " + amount;
            case FaithfulnessAtLeast(double share) -> "keeps at least " + share + " of the gap";
            case AttentionAtLeast(double share) -> "is at least " + share;
            case ShareOfPathAtLeast(double share) -> "carries at least " + share + " of the senders' whole effect";
        };
    }
}

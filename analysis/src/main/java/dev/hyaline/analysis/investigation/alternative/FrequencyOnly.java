package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.alternative.Recency.Exchanged;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sequence;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The components prefer frequent tokens. Excluded if the effect keeps its predicted sign where answer and distractor
 * are exchanged, and how much more frequent the answers are than the distractors, in log-odds, explains less than
 * {@value #LARGEST_SHARE} of its variance.
 */
public final class FrequencyOnly implements Alternative {
    /** The share of variance below which it is excluded. */
    public static final double LARGEST_SHARE = 0.25;

    private final @Nullable IntToDoubleFunction logFrequency;

    private FrequencyOnly(@Nullable IntToDoubleFunction logFrequency) {
        this.logFrequency = logFrequency;
    }

    /**
     * By a corpus.
     *
     * @param logFrequency the logarithm of how often a token occurs
     */
    public static FrequencyOnly of(IntToDoubleFunction logFrequency) {
        return new FrequencyOnly(logFrequency);
    }

    /** By the model's own logits after the first token of the first prompt alone, which stand in for a corpus. */
    public static FrequencyOnly ofModel() {
        return new FrequencyOnly(null);
    }

    @Override
    public String name() {
        return "frequency-only";
    }

    @Override
    public String prediction() {
        return "the components prefer frequent tokens: exchanging answer and distractor turns the effect";
    }

    @Override
    public boolean concerns(Claim claim) {
        return Exchanged.concerns(claim);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        if (!ShuffledLabels.turnsSign(claim.evidence().experiment().metric())) {
            return AlternativeFinding.notTested(this, claim, Exchanged.NO_DIFFERENCE);
        }
        double[] exchanged = Exchanged.values(claim);
        Interval interval = VerdictInterval.of(
                        exchanged,
                        claim.units(),
                        claim.level(),
                        Bootstrap.REPLICATES,
                        claim.random(claim.claim().name() + "/" + name()))
                .map(VerdictInterval::interval)
                .orElse(null);
        double explained = explained(claim);
        boolean survives = interval != null && interval.low() > 0;
        return AlternativeFinding.decided(
                this,
                claim,
                survives && explained < LARGEST_SHARE,
                "share of variance explained by log-odds",
                explained,
                LARGEST_SHARE,
                new double[0],
                "with answers exchanged the mean effect is "
                        + (float) Arrays.stream(exchanged).average().orElseThrow()
                        + (survives ? "" : ", which does not lie clearly on the predicted side")
                        + "; log-odds explain " + (float) explained + " of its variance");
    }

    /** The squared correlation of the effect and the log-odds; 0 where either does not vary. */
    private double explained(TestedClaim claim) {
        IntToDoubleFunction frequency = logFrequency == null ? ofModel(claim) : logFrequency;
        double[] odds = claim.pairs().list().stream()
                .mapToDouble(pair -> mean(pair.answers(), frequency) - mean(pair.distractors(), frequency))
                .toArray();
        double r = Correlation.pearson(odds, claim.values())
                .map(Correlation.Pearson::r)
                .orElse(0.0);
        return r * r;
    }

    private static double mean(int[] tokens, IntToDoubleFunction frequency) {
        return IntStream.of(tokens).mapToDouble(frequency).average().orElse(0);
    }

    private static IntToDoubleFunction ofModel(TestedClaim claim) {
        Gpt2 model = claim.evidence().experiment().runs().model();
        PromptPair first = claim.pairs().get(0);
        float[] logits =
                model.forward(ForwardRequest.of(Sequence.of(first.clean()[0]))).logits();
        return token -> logits[token];
    }

    @Override
    public String toString() {
        return "frequency only";
    }
}

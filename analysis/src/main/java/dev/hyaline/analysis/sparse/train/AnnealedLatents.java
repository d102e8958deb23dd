package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;

/** ReLU with a penalty {@code sum f^p} whose exponent falls. */
final class AnnealedLatents implements TrainedLatents {
    /** Least activation in the penalty's derivative, which grows beyond bounds towards zero. */
    private static final double LEAST = 1e-6;

    private final TrainedActivation.AnnealedRelu relu;
    private final Dictionary dictionary;
    private double exponent = 1;
    private double factor = 1;

    AnnealedLatents(TrainedActivation.AnnealedRelu relu, Dictionary dictionary) {
        this.relu = relu;
        this.dictionary = dictionary;
    }

    double exponent() {
        return exponent;
    }

    /** The factor of the coefficient, so that the penalty stayed what it was whenever the exponent fell. */
    double factor() {
        return factor;
    }

    /** Goes on from a checkpoint. */
    void resume(double reached, double rescaled) {
        exponent = reached;
        factor = rescaled;
    }

    @Override
    public Entries encode(Batch batch) {
        Entries entries = dictionary.select(batch, new Selection.Above(new float[dictionary.n]));
        double wanted = relu.exponent(batch.step());
        if (wanted != exponent) {
            double before = sum(entries, batch, exponent);
            double after = sum(entries, batch, wanted);
            factor *= before > 0 && after > 0 ? before / after : 1;
            exponent = wanted;
        }
        return entries;
    }

    private double sum(Entries entries, Batch batch, double p) {
        double sum = 0;
        for (int e = 0; e < entries.count(); e++) {
            sum += Math.pow(entries.f()[e] * weight(batch, entries.latents()[e]), p);
        }
        return sum;
    }

    private double weight(Batch batch, int latent) {
        return relu.weighted() ? batch.norms()[latent] : 1;
    }

    @Override
    public double penalty(Batch batch, int latent, float z, float f) {
        return Math.pow(f * weight(batch, latent), exponent);
    }

    @Override
    public double sparsity(Batch batch, double mean, double l0) {
        return batch.penalty() * factor * mean;
    }

    @Override
    public float gradient(Batch batch, double l0, int i, Entries e, int from, int count, LatentBuffers buffer) {
        double weight = weight(batch, i);
        double each = batch.penalty() * factor / batch.tokens() * exponent;
        double along = 0;
        for (int j = from; j < from + count; j++) {
            double slope = each * Math.pow(Math.max(buffer.f[j] * weight, LEAST), exponent - 1);
            buffer.dz[j] = (float) (buffer.df[j] + slope * weight);
            along += slope * buffer.f[j];
        }
        return relu.weighted() ? (float) along : 0;
    }
}

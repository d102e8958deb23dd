package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;

/** ReLU with an L1 penalty. */
final class ReluLatents implements TrainedLatents {
    private final TrainedActivation.PenalizedRelu relu;
    private final Dictionary dictionary;

    ReluLatents(TrainedActivation.PenalizedRelu relu, Dictionary dictionary) {
        this.relu = relu;
        this.dictionary = dictionary;
    }

    boolean isWeighted() {
        return relu.weighted();
    }

    @Override
    public Entries encode(Batch batch) {
        return dictionary.select(batch, new Selection.Above(new float[dictionary.n]));
    }

    @Override
    public double penalty(Batch batch, int latent, float z, float f) {
        return relu.weighted() ? (double) f * batch.norms()[latent] : f;
    }

    @Override
    public float gradient(Batch batch, double l0, int i, Entries e, int from, int count, LatentBuffers buffer) {
        double each = batch.penalty() / batch.tokens();
        float slope = (float) (each * (relu.weighted() ? batch.norms()[i] : 1));
        double sum = 0;
        for (int j = from; j < from + count; j++) {
            buffer.dz[j] = buffer.df[j] + slope;
            sum += buffer.f[j];
        }
        return relu.weighted() ? (float) (each * sum) : 0;
    }
}

package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;

/** A threshold a latent, trained by pseudo-gradients within a window about it. */
final class JumpLatents implements TrainedLatents {
    private final TrainedActivation.TrainedJump jump;
    private final Dictionary dictionary;
    private final boolean tanh;

    JumpLatents(TrainedActivation.TrainedJump jump, Dictionary dictionary) {
        this.jump = jump;
        this.dictionary = dictionary;
        tanh = jump.sparsity() == TrainedActivation.Sparsity.TANH;
    }

    /** The threshold of a latent. */
    private float cut(int latent) {
        float value = dictionary.w.get(Weights.THRESHOLD).value[latent];
        return jump.logarithmic() ? (float) Math.exp(value) : Math.max(value, 0);
    }

    /** Those that fire, those within the window below the threshold, and of a dead latent all that are pulled. */
    @Override
    public Entries encode(Batch batch) {
        float[] cuts = new float[dictionary.n];
        for (int i = 0; i < cuts.length; i++) {
            boolean pulled = jump.preActivation() > 0 && batch.dead()[i];
            cuts[i] = pulled ? Float.NEGATIVE_INFINITY : (float) (cut(i) - jump.bandwidth() / 2);
        }
        Entries entries = dictionary.select(batch, new Selection.Above(cuts));
        entries.each(dictionary.pool, (e, i) -> entries.f()[e] = entries.z()[e] > cut(i) ? entries.z()[e] : 0);
        return entries;
    }

    @Override
    public double penalty(Batch batch, int latent, float z, float f) {
        return tanh ? Math.tanh(jump.scale() * f * batch.norms()[latent]) : f != 0 ? 1 : 0;
    }

    @Override
    public double sparsity(Batch batch, double mean, double l0) {
        double distance = l0 / jump.scale() - 1;
        return jump.sparsity() == TrainedActivation.Sparsity.TARGET
                ? batch.penalty() * distance * distance
                : batch.penalty() * mean;
    }

    @Override
    public double pullCoefficient() {
        return jump.preActivation();
    }

    @Override
    public double pull(Batch batch, int latent, float z) {
        return jump.preActivation() > 0 && batch.dead()[latent]
                ? Math.max(cut(latent) - z, 0) * batch.norms()[latent]
                : 0;
    }

    @Override
    public float gradient(Batch batch, double l0, int i, Entries e, int from, int count, LatentBuffers buffer) {
        float theta = cut(i);
        float norm = batch.norms()[i];
        double eps = jump.bandwidth();
        double step = tanh ? 0 : batch.penalty() / batch.tokens();
        if (jump.sparsity() == TrainedActivation.Sparsity.TARGET) {
            step *= 2 * (l0 / jump.scale() - 1) / jump.scale();
        }
        double pull = batch.dead()[i] ? jump.preActivation() / batch.tokens() * norm : 0;
        double dTheta = 0;
        double along = 0;
        for (int j = from; j < from + count; j++) {
            float z = e.z()[e.order()[j]];
            double d = buffer.df[j];
            if (tanh) {
                double value = Math.tanh(jump.scale() * buffer.f[j] * norm);
                double slope = batch.penalty() / batch.tokens() * jump.scale() * (1 - value * value);
                d += slope * norm;
                along += slope * buffer.f[j];
            }
            double dPre = z > theta ? d : 0;
            if (Math.abs(z - theta) < eps / 2) {
                dTheta -= theta / eps * d + step / eps;
                if (jump.toInput()) {
                    dPre += (d * theta + step) / eps;
                }
            }
            if (pull > 0 && z < theta) {
                dPre -= pull;
                dTheta += pull;
                along += jump.preActivation() / batch.tokens() * (theta - z);
            }
            buffer.dz[j] = (float) dPre;
        }
        Weights.Parameter threshold = dictionary.w.get(Weights.THRESHOLD);
        threshold.gradient[i] = (float) (jump.logarithmic() ? dTheta * theta : threshold.value[i] > 0 ? dTheta : 0);
        return (float) along;
    }
}

package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;
import dev.hyaline.engine.internal.kernel.Rows;

/**
 * A gate and a magnitude: the gradient of the magnitude comes through what is decoded, that of the gate through a
 * reconstruction of its own.
 */
final class GatedLatents implements TrainedLatents {
    private final TrainedActivation.PenalizedGate gated;
    private final Dictionary dictionary;
    private final Weights w;

    GatedLatents(TrainedActivation.PenalizedGate gated, Dictionary dictionary) {
        this.gated = gated;
        this.dictionary = dictionary;
        w = dictionary.w;
    }

    @Override
    public Entries encode(Batch batch) {
        int n = dictionary.n;
        float[] cuts = new float[n];
        float[] gate = w.get(Weights.GATE_BIAS).value;
        for (int i = 0; i < n; i++) {
            cuts[i] = -gate[i];
        }
        Entries entries = dictionary.select(batch, new Selection.Above(cuts));
        float[] scale = w.get(Weights.MAGNITUDE_SCALE).value;
        float[] bias = w.get(Weights.MAGNITUDE_BIAS).value;
        float[] factors = new float[n];
        for (int i = 0; i < n; i++) {
            factors[i] = (float) Math.exp(scale[i]);
        }
        entries.each(dictionary.pool, (e, i) -> entries.f()[e] = Math.max(entries.z()[e] * factors[i] + bias[i], 0));
        return entries;
    }

    @Override
    public double penalty(Batch batch, int latent, float z, float f) {
        double open = z + w.get(Weights.GATE_BIAS).value[latent];
        return gated.frozen() ? open : open * batch.norms()[latent];
    }

    /** Returns whether the gate's reconstruction goes through a decoder held constant. */
    boolean isFrozen() {
        return gated.frozen();
    }

    /** The same entries, decoded with how far each gate is open. */
    Entries gates(Entries e) {
        float[] gate = w.get(Weights.GATE_BIAS).value;
        float[] open = new float[e.count()];
        e.each(dictionary.pool, (entry, i) -> open[entry] = e.z()[entry] + gate[i]);
        return new Entries(e.offsets(), e.latents(), e.z(), open, e.starts(), e.order(), e.tokens());
    }

    @Override
    public float gradient(Batch batch, double l0, int i, Entries e, int from, int count, LatentBuffers buffer) {
        throw new IllegalStateException("a gated latent's gradient is that of two reconstructions");
    }

    /** The gradient of all weights of one latent. */
    void gradient(
            Batch batch,
            int i,
            ReconstructionPath decoded,
            ReconstructionPath gates,
            LatentGradients into,
            LatentBuffers buffer) {
        Entries e = decoded.entries();
        int from = e.starts()[i];
        int end = e.starts()[i + 1];
        double dGate = 0;
        double dBias = 0;
        double dScale = 0;
        if (end > from) {
            buffer.room(end);
            int d = dictionary.dOut;
            float[] decoder = w.get(Weights.DECODER).value;
            float[] decoderGradient = w.get(Weights.DECODER).gradient;
            Rows g = new Rows(decoded.of(i), 0, d);
            Rows g2 = new Rows(gates.of(i), 0, d);
            float[] open = gates.entries().f();
            float[] gateGradient = new float[end];
            dictionary.sparse.dotRows(buffer.df, decoder, i * d, d, e.tokens(), from, end, g);
            dictionary.sparse.dotRows(gateGradient, decoder, i * d, d, e.tokens(), from, end, g2);
            double share = batch.penalty() / batch.tokens();
            float each = (float) (share * (gated.frozen() ? 1 : batch.norms()[i]));
            float factor = (float) Math.exp(w.get(Weights.MAGNITUDE_SCALE).value[i]);
            double opened = 0;
            for (int j = from; j < end; j++) {
                int entry = e.order()[j];
                buffer.f[j] = e.f()[entry];
                float dMagnitude = e.f()[entry] > 0 ? buffer.df[j] : 0;
                float dOpen = gateGradient[j] + each;
                dBias += dMagnitude;
                dScale += (double) dMagnitude * e.z()[entry] * factor;
                dGate += dOpen;
                opened += open[entry];
                buffer.dz[j] = dMagnitude * factor + dOpen;
            }
            dictionary.sparse.addScaledRows(decoderGradient, i * d, d, buffer.f, e.tokens(), from, end, g);
            if (!gated.frozen()) {
                for (int j = from; j < end; j++) {
                    buffer.f[j] = open[e.order()[j]];
                }
                dictionary.sparse.addScaledRows(decoderGradient, i * d, d, buffer.f, e.tokens(), from, end, g2);
                into.addAlongRow(i, (float) (share * opened));
            }
            into.addEncoder(i, batch.h(), e, from, end - from, buffer.dz);
        }
        w.get(Weights.GATE_BIAS).gradient[i] = (float) dGate;
        w.get(Weights.MAGNITUDE_BIAS).gradient[i] = (float) dBias;
        w.get(Weights.MAGNITUDE_SCALE).gradient[i] = (float) dScale;
    }
}

package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import java.util.Arrays;

/**
 * The residual stream as each head reads it, {@code [rows, nHeads, dModel]}, while a probe watches it. Only rows that
 * an edit changed are normalised and projected on their own, so a probe that just looks changes no bit.
 */
final class HeadInputs {
    private final int d;
    private final int heads;
    private final int dHead;
    private final float eps;
    private final Kernels kernels;
    private final Products products;

    HeadInputs(Gpt2Config config, Kernels kernels, Products products) {
        d = config.dModel();
        heads = config.nHeads();
        dHead = config.dHead();
        eps = config.eps();
        this.kernels = kernels;
        this.products = products;
    }

    /** Each row once for every head. */
    void spread(float[] inputs, float[] residual, int rows) {
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < heads; head++) {
                System.arraycopy(residual, row * d, inputs, (row * heads + head) * d, d);
            }
        }
    }

    /** Forms {@code out}, one of q, k and v, again for the rows and heads whose input differs from the residual. */
    void project(float[] out, float[] inputs, float[] residual, int rows, PackedWeights.Norm ln1, PackedMatrix w) {
        int[] changed = new int[rows];
        for (int head = 0; head < heads; head++) {
            int count = 0;
            for (int row = 0; row < rows; row++) {
                int at = (row * heads + head) * d;
                if (!Arrays.equals(inputs, at, at + d, residual, row * d, row * d + d)) {
                    changed[count++] = row;
                }
            }
            if (count > 0) {
                project(out, inputs, head, changed, count, ln1, w);
            }
        }
    }

    private void project(
            float[] out, float[] inputs, int head, int[] changed, int count, PackedWeights.Norm ln1, PackedMatrix w) {
        float[] normed = new float[count * d];
        for (int i = 0; i < count; i++) {
            float norm = kernels.center(normed, i * d, inputs, (changed[i] * heads + head) * d, d, eps);
            kernels.divide(normed, i * d, d, norm);
            kernels.affine(normed, i * d, normed, i * d, ln1.gain(), ln1.bias(), d);
        }
        int firstColumn = head * dHead;
        int firstPanel = firstColumn / PackedMatrix.PANEL;
        PackedMatrix panels = w.panels(firstPanel, (firstColumn + dHead - 1) / PackedMatrix.PANEL + 1);
        float[] projected = new float[count * panels.n()];
        products.begin(normed, d, count).into(projected, panels).run();
        for (int i = 0; i < count; i++) {
            int from = i * panels.n() + firstColumn - firstPanel * PackedMatrix.PANEL;
            System.arraycopy(projected, from, out, changed[i] * d + firstColumn, dHead);
        }
    }
}

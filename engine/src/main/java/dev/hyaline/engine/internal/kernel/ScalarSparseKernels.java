package dev.hyaline.engine.internal.kernel;

/** The kernels of sparse coding in plain Java: what the others are tested against. */
public final class ScalarSparseKernels implements SparseKernels {
    @Override
    public void addScaledRows(
            float[] inOut, int at, int n, float[] factors, int[] rows, int from, int end, Rows source) {
        for (int block = from; block < end; block += Kernels.K_BLOCK) {
            for (int c = 0; c < n; c++) {
                float chain = 0;
                for (int j = block; j < Math.min(end, block + Kernels.K_BLOCK); j++) {
                    chain = Fma.fma(factors[j], source.values()[source.at(rows[j]) + c], chain);
                }
                inOut[at + c] += chain;
            }
        }
    }

    @Override
    public void dotRows(float[] out, float[] w, int wAt, int n, int[] rows, int from, int end, Rows source) {
        for (int j = from; j < end; j++) {
            out[j] = dot(w, wAt, source.values(), source.at(rows[j]), n);
        }
    }

    private static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        float[] lanes = new float[Kernels.LANES];
        for (int i = 0; i < n; i++) {
            lanes[i % Kernels.LANES] = Fma.fma(a[aAt + i], b[bAt + i], lanes[i % Kernels.LANES]);
        }
        return ScalarKernels.tree(lanes);
    }

    @Override
    public double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            s0 += a[aAt + i] * b[bAt + i];
            s1 += a[aAt + i + 1] * b[bAt + i + 1];
            s2 += a[aAt + i + 2] * b[bAt + i + 2];
            s3 += a[aAt + i + 3] * b[bAt + i + 3];
            s4 += a[aAt + i + 4] * b[bAt + i + 4];
            s5 += a[aAt + i + 5] * b[bAt + i + 5];
            s6 += a[aAt + i + 6] * b[bAt + i + 6];
            s7 += a[aAt + i + 7] * b[bAt + i + 7];
        }
        double tree = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
        return tree + chain(a, aAt, b, bAt, i, n);
    }

    /** The products from an index on, one after the other. */
    public static double chain(double[] a, int aAt, double[] b, int bAt, int from, int n) {
        double chain = 0;
        for (int i = from; i < n; i++) {
            chain += a[aAt + i] * b[bAt + i];
        }
        return chain;
    }

    @Override
    public void dotRows(double[] out, int outAt, double[] w, int wAt, int n, double[] source, int[] rows, int count) {
        for (int j = 0; j < count; j++) {
            out[outAt + j] = dot(w, wAt, source, rows[j] * n, n);
        }
    }

    @Override
    public int above(float[] values, int at, int n, float cut, int[] indices, int indicesAt) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (values[at + i] > cut) {
                indices[indicesAt + count++] = i;
            }
        }
        return count;
    }

    @Override
    public int outside(float[] values, int at, int n, float cut, int[] indices, int indicesAt) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (Math.abs(values[at + i]) > cut) {
                indices[indicesAt + count++] = i;
            }
        }
        return count;
    }

    @Override
    public int aboveEach(float[] values, int at, int n, float[] cuts, int cutsAt, int[] indices, int indicesAt) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (values[at + i] > cuts[cutsAt + i]) {
                indices[indicesAt + count++] = i;
            }
        }
        return count;
    }

    @Override
    public int reluGradient(float[] inOut, int at, float[] outputs, int outputsAt, int n, float shift) {
        return reluGradient(inOut, at, outputs, outputsAt, 0, n, shift);
    }

    /** The same from a first index on. */
    public static int reluGradient(
            float[] inOut, int at, float[] outputs, int outputsAt, int from, int n, float shift) {
        int count = 0;
        for (int i = from; i < n; i++) {
            boolean open = outputs[outputsAt + i] > 0;
            inOut[at + i] = open ? inOut[at + i] + shift : 0;
            count += open ? 1 : 0;
        }
        return count;
    }

    @Override
    public void biasedRelu(float[] out, int outAt, float[] in, int inAt, int n, float bias) {
        biasedRelu(out, outAt, in, inAt, 0, n, bias);
    }

    /** The same from a first index on. */
    public static void biasedRelu(float[] out, int outAt, float[] in, int inAt, int from, int n, float bias) {
        for (int i = from; i < n; i++) {
            out[outAt + i] = Math.max(in[inAt + i] + bias, 0);
        }
    }
}

package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.KEYS_PER_BLOCK;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Attention in register tiles: four queries by two vectors, or by four where tiles of products are wide. The vectors
 * are keys for scores and dimensions of a head for values. What is left over goes query by query or vector by vector.
 */
final class AttentionTiles {
    private static final int GROUP = 4;

    /** Keys whose values stay in the first-level cache while all queries of a call weigh them. */
    private static final int KEYS_AT_ONCE = 4 * KEYS_PER_BLOCK;

    private AttentionTiles() {}

    static void scores(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            int queries,
            float[][] keys,
            int blocks,
            int keysAt,
            int dHead,
            float scale,
            boolean wide) {
        int columns = blocks * KEYS_PER_BLOCK;
        int wholeGroups = queries - queries % GROUP;
        int column = 0;
        for (; wide && wholeGroups > 0 && column <= columns - 4 * WIDTH; column += 4 * WIDTH) {
            for (int row = 0; row < wholeGroups; row += GROUP) {
                int to = outAt + row * outStride + column;
                scores4x4(out, to, outStride, q, qAt + row * qStride, qStride, keys, keysAt, column, dHead, scale);
            }
            for (int row = wholeGroups; row < queries; row++) {
                int to = outAt + row * outStride + column;
                for (int i = 0; i < 4 * WIDTH; i += WIDTH) {
                    int at = keysAt + (column + i) % KEYS_PER_BLOCK;
                    scores1(out, to + i, q, qAt + row * qStride, keys[(column + i) / KEYS_PER_BLOCK], at, dHead, scale);
                }
            }
        }
        for (; column <= columns - 2 * WIDTH; column += 2 * WIDTH) {
            float[] low = keys[column / KEYS_PER_BLOCK];
            int lowAt = keysAt + column % KEYS_PER_BLOCK;
            float[] high = keys[(column + WIDTH) / KEYS_PER_BLOCK];
            int highAt = keysAt + (column + WIDTH) % KEYS_PER_BLOCK;
            int row = 0;
            for (; row <= queries - GROUP; row += GROUP) {
                scores4x2(
                        out,
                        outAt + row * outStride + column,
                        outStride,
                        q,
                        qAt + row * qStride,
                        qStride,
                        low,
                        lowAt,
                        high,
                        highAt,
                        dHead,
                        scale);
            }
            for (; row < queries; row++) {
                int to = outAt + row * outStride + column;
                scores1(out, to, q, qAt + row * qStride, low, lowAt, dHead, scale);
                scores1(out, to + WIDTH, q, qAt + row * qStride, high, highAt, dHead, scale);
            }
        }
        if (column < columns) {
            float[] last = keys[column / KEYS_PER_BLOCK];
            int lastAt = keysAt + column % KEYS_PER_BLOCK;
            int row = 0;
            for (; row <= queries - GROUP; row += GROUP) {
                int to = outAt + row * outStride + column;
                scores4x1(out, to, outStride, q, qAt + row * qStride, qStride, last, lastAt, dHead, scale);
            }
            for (; row < queries; row++) {
                int to = outAt + row * outStride + column;
                scores1(out, to, q, qAt + row * qStride, last, lastAt, dHead, scale);
            }
        }
    }

    static void weigh(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            int queries,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead,
            boolean wide) {
        for (int key = firstKey; key < endKey; ) {
            int end = Math.min(endKey, (key / KEYS_AT_ONCE + 1) * KEYS_AT_ONCE);
            weighChunk(
                    z,
                    zAt,
                    zStride,
                    pattern,
                    patternAt,
                    patternStride,
                    queries,
                    values,
                    valuesAt,
                    key,
                    end,
                    dHead,
                    wide);
            key = end;
        }
    }

    private static void weighChunk(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            int queries,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead,
            boolean wide) {
        int row = 0;
        for (; row <= queries - GROUP; row += GROUP) {
            int to = zAt + row * zStride;
            int from = patternAt + row * patternStride;
            int part = 0;
            for (; wide && part <= dHead - 4 * WIDTH; part += 4 * WIDTH) {
                weigh4x4(
                        z,
                        to + part,
                        zStride,
                        pattern,
                        from,
                        patternStride,
                        values,
                        valuesAt + part,
                        firstKey,
                        endKey,
                        dHead);
            }
            for (; part <= dHead - 2 * WIDTH; part += 2 * WIDTH) {
                weigh4x2(
                        z,
                        to + part,
                        zStride,
                        pattern,
                        from,
                        patternStride,
                        values,
                        valuesAt + part,
                        firstKey,
                        endKey,
                        dHead);
            }
            for (int i = 0; part < dHead && i < GROUP; i++) {
                weighParts(
                        z,
                        to + i * zStride,
                        pattern,
                        from + i * patternStride,
                        values,
                        valuesAt,
                        firstKey,
                        endKey,
                        dHead,
                        part);
            }
        }
        for (; row < queries; row++) {
            weighParts(
                    z,
                    zAt + row * zStride,
                    pattern,
                    patternAt + row * patternStride,
                    values,
                    valuesAt,
                    firstKey,
                    endKey,
                    dHead,
                    0);
        }
    }

    /** One query, the head's dimensions from {@code part} on. */
    private static void weighParts(
            float[] z,
            int zAt,
            float[] pattern,
            int patternAt,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead,
            int firstPart) {
        int part = firstPart;
        for (; part <= dHead - WIDTH; part += WIDTH) {
            weigh1(z, zAt + part, pattern, patternAt, values, valuesAt + part, firstKey, endKey, dHead);
        }
        if (part < dHead) {
            weighTail(
                    z, zAt + part, pattern, patternAt, values, valuesAt + part, firstKey, endKey, dHead, dHead - part);
        }
    }

    private static void scores4x4(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            float[][] keys,
            int keysAt,
            int column,
            int dHead,
            float scale) {
        float[] a = keys[column / KEYS_PER_BLOCK];
        int aAt = keysAt + column % KEYS_PER_BLOCK;
        float[] b = keys[(column + WIDTH) / KEYS_PER_BLOCK];
        int bAt = keysAt + (column + WIDTH) % KEYS_PER_BLOCK;
        float[] c = keys[(column + 2 * WIDTH) / KEYS_PER_BLOCK];
        int cAt = keysAt + (column + 2 * WIDTH) % KEYS_PER_BLOCK;
        float[] d = keys[(column + 3 * WIDTH) / KEYS_PER_BLOCK];
        int dAt = keysAt + (column + 3 * WIDTH) % KEYS_PER_BLOCK;
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector d0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector c1 = FloatVector.zero(SPECIES);
        FloatVector d1 = FloatVector.zero(SPECIES);
        FloatVector a2 = FloatVector.zero(SPECIES);
        FloatVector b2 = FloatVector.zero(SPECIES);
        FloatVector c2 = FloatVector.zero(SPECIES);
        FloatVector d2 = FloatVector.zero(SPECIES);
        FloatVector a3 = FloatVector.zero(SPECIES);
        FloatVector b3 = FloatVector.zero(SPECIES);
        FloatVector c3 = FloatVector.zero(SPECIES);
        FloatVector d3 = FloatVector.zero(SPECIES);
        int q1 = qAt + qStride;
        int q2 = q1 + qStride;
        int q3 = q2 + qStride;
        for (int e = 0; e < dHead; e++) {
            FloatVector kA = FloatVector.fromArray(SPECIES, a, aAt + e * KEYS_PER_BLOCK);
            FloatVector kB = FloatVector.fromArray(SPECIES, b, bAt + e * KEYS_PER_BLOCK);
            FloatVector kC = FloatVector.fromArray(SPECIES, c, cAt + e * KEYS_PER_BLOCK);
            FloatVector kD = FloatVector.fromArray(SPECIES, d, dAt + e * KEYS_PER_BLOCK);
            FloatVector x0 = FloatVector.broadcast(SPECIES, q[qAt + e]);
            a0 = x0.fma(kA, a0);
            b0 = x0.fma(kB, b0);
            c0 = x0.fma(kC, c0);
            d0 = x0.fma(kD, d0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, q[q1 + e]);
            a1 = x1.fma(kA, a1);
            b1 = x1.fma(kB, b1);
            c1 = x1.fma(kC, c1);
            d1 = x1.fma(kD, d1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, q[q2 + e]);
            a2 = x2.fma(kA, a2);
            b2 = x2.fma(kB, b2);
            c2 = x2.fma(kC, c2);
            d2 = x2.fma(kD, d2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, q[q3 + e]);
            a3 = x3.fma(kA, a3);
            b3 = x3.fma(kB, b3);
            c3 = x3.fma(kC, c3);
            d3 = x3.fma(kD, d3);
        }
        int to = outAt;
        a0.mul(scale).intoArray(out, to);
        b0.mul(scale).intoArray(out, to + WIDTH);
        c0.mul(scale).intoArray(out, to + 2 * WIDTH);
        d0.mul(scale).intoArray(out, to + 3 * WIDTH);
        to += outStride;
        a1.mul(scale).intoArray(out, to);
        b1.mul(scale).intoArray(out, to + WIDTH);
        c1.mul(scale).intoArray(out, to + 2 * WIDTH);
        d1.mul(scale).intoArray(out, to + 3 * WIDTH);
        to += outStride;
        a2.mul(scale).intoArray(out, to);
        b2.mul(scale).intoArray(out, to + WIDTH);
        c2.mul(scale).intoArray(out, to + 2 * WIDTH);
        d2.mul(scale).intoArray(out, to + 3 * WIDTH);
        to += outStride;
        a3.mul(scale).intoArray(out, to);
        b3.mul(scale).intoArray(out, to + WIDTH);
        c3.mul(scale).intoArray(out, to + 2 * WIDTH);
        d3.mul(scale).intoArray(out, to + 3 * WIDTH);
    }

    private static void scores4x2(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            float[] lowKeys,
            int lowAt,
            float[] highKeys,
            int highAt,
            int dHead,
            float scale) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        int q1 = qAt + qStride;
        int q2 = q1 + qStride;
        int q3 = q2 + qStride;
        for (int e = 0; e < dHead; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, lowKeys, lowAt + e * KEYS_PER_BLOCK);
            FloatVector high = FloatVector.fromArray(SPECIES, highKeys, highAt + e * KEYS_PER_BLOCK);
            FloatVector x0 = FloatVector.broadcast(SPECIES, q[qAt + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, q[q1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, q[q2 + e]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, q[q3 + e]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
        }
        l0.mul(scale).intoArray(out, outAt);
        h0.mul(scale).intoArray(out, outAt + WIDTH);
        l1.mul(scale).intoArray(out, outAt + outStride);
        h1.mul(scale).intoArray(out, outAt + outStride + WIDTH);
        l2.mul(scale).intoArray(out, outAt + 2 * outStride);
        h2.mul(scale).intoArray(out, outAt + 2 * outStride + WIDTH);
        l3.mul(scale).intoArray(out, outAt + 3 * outStride);
        h3.mul(scale).intoArray(out, outAt + 3 * outStride + WIDTH);
    }

    private static void scores4x1(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            float[] keys,
            int keysAt,
            int dHead,
            float scale) {
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector c1 = FloatVector.zero(SPECIES);
        FloatVector c2 = FloatVector.zero(SPECIES);
        FloatVector c3 = FloatVector.zero(SPECIES);
        int q1 = qAt + qStride;
        int q2 = q1 + qStride;
        int q3 = q2 + qStride;
        for (int e = 0; e < dHead; e++) {
            FloatVector key = FloatVector.fromArray(SPECIES, keys, keysAt + e * KEYS_PER_BLOCK);
            c0 = FloatVector.broadcast(SPECIES, q[qAt + e]).fma(key, c0);
            c1 = FloatVector.broadcast(SPECIES, q[q1 + e]).fma(key, c1);
            c2 = FloatVector.broadcast(SPECIES, q[q2 + e]).fma(key, c2);
            c3 = FloatVector.broadcast(SPECIES, q[q3 + e]).fma(key, c3);
        }
        c0.mul(scale).intoArray(out, outAt);
        c1.mul(scale).intoArray(out, outAt + outStride);
        c2.mul(scale).intoArray(out, outAt + 2 * outStride);
        c3.mul(scale).intoArray(out, outAt + 3 * outStride);
    }

    private static void scores1(
            float[] out, int outAt, float[] q, int qAt, float[] keys, int keysAt, int dHead, float scale) {
        FloatVector chain = FloatVector.zero(SPECIES);
        for (int e = 0; e < dHead; e++) {
            chain = FloatVector.broadcast(SPECIES, q[qAt + e])
                    .fma(FloatVector.fromArray(SPECIES, keys, keysAt + e * KEYS_PER_BLOCK), chain);
        }
        chain.mul(scale).intoArray(out, outAt);
    }

    private static void weigh4x4(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead) {
        int z1 = zAt + zStride;
        int z2 = z1 + zStride;
        int z3 = z2 + zStride;
        FloatVector a0 = FloatVector.fromArray(SPECIES, z, zAt);
        FloatVector b0 = FloatVector.fromArray(SPECIES, z, zAt + WIDTH);
        FloatVector c0 = FloatVector.fromArray(SPECIES, z, zAt + 2 * WIDTH);
        FloatVector d0 = FloatVector.fromArray(SPECIES, z, zAt + 3 * WIDTH);
        FloatVector a1 = FloatVector.fromArray(SPECIES, z, z1);
        FloatVector b1 = FloatVector.fromArray(SPECIES, z, z1 + WIDTH);
        FloatVector c1 = FloatVector.fromArray(SPECIES, z, z1 + 2 * WIDTH);
        FloatVector d1 = FloatVector.fromArray(SPECIES, z, z1 + 3 * WIDTH);
        FloatVector a2 = FloatVector.fromArray(SPECIES, z, z2);
        FloatVector b2 = FloatVector.fromArray(SPECIES, z, z2 + WIDTH);
        FloatVector c2 = FloatVector.fromArray(SPECIES, z, z2 + 2 * WIDTH);
        FloatVector d2 = FloatVector.fromArray(SPECIES, z, z2 + 3 * WIDTH);
        FloatVector a3 = FloatVector.fromArray(SPECIES, z, z3);
        FloatVector b3 = FloatVector.fromArray(SPECIES, z, z3 + WIDTH);
        FloatVector c3 = FloatVector.fromArray(SPECIES, z, z3 + 2 * WIDTH);
        FloatVector d3 = FloatVector.fromArray(SPECIES, z, z3 + 3 * WIDTH);
        for (int key = firstKey; key < endKey; ) {
            float[] block = values[key / KEYS_PER_BLOCK];
            int count = Math.min(endKey - key, KEYS_PER_BLOCK - key % KEYS_PER_BLOCK);
            int at = valuesAt + key % KEYS_PER_BLOCK * dHead;
            int p0 = patternAt + key;
            int p1 = p0 + patternStride;
            int p2 = p1 + patternStride;
            int p3 = p2 + patternStride;
            for (int j = 0; j < count; j++) {
                FloatVector vA = FloatVector.fromArray(SPECIES, block, at + j * dHead);
                FloatVector vB = FloatVector.fromArray(SPECIES, block, at + j * dHead + WIDTH);
                FloatVector vC = FloatVector.fromArray(SPECIES, block, at + j * dHead + 2 * WIDTH);
                FloatVector vD = FloatVector.fromArray(SPECIES, block, at + j * dHead + 3 * WIDTH);
                FloatVector x0 = FloatVector.broadcast(SPECIES, pattern[p0 + j]);
                a0 = x0.fma(vA, a0);
                b0 = x0.fma(vB, b0);
                c0 = x0.fma(vC, c0);
                d0 = x0.fma(vD, d0);
                FloatVector x1 = FloatVector.broadcast(SPECIES, pattern[p1 + j]);
                a1 = x1.fma(vA, a1);
                b1 = x1.fma(vB, b1);
                c1 = x1.fma(vC, c1);
                d1 = x1.fma(vD, d1);
                FloatVector x2 = FloatVector.broadcast(SPECIES, pattern[p2 + j]);
                a2 = x2.fma(vA, a2);
                b2 = x2.fma(vB, b2);
                c2 = x2.fma(vC, c2);
                d2 = x2.fma(vD, d2);
                FloatVector x3 = FloatVector.broadcast(SPECIES, pattern[p3 + j]);
                a3 = x3.fma(vA, a3);
                b3 = x3.fma(vB, b3);
                c3 = x3.fma(vC, c3);
                d3 = x3.fma(vD, d3);
            }
            key += count;
        }
        a0.intoArray(z, zAt);
        b0.intoArray(z, zAt + WIDTH);
        c0.intoArray(z, zAt + 2 * WIDTH);
        d0.intoArray(z, zAt + 3 * WIDTH);
        a1.intoArray(z, z1);
        b1.intoArray(z, z1 + WIDTH);
        c1.intoArray(z, z1 + 2 * WIDTH);
        d1.intoArray(z, z1 + 3 * WIDTH);
        a2.intoArray(z, z2);
        b2.intoArray(z, z2 + WIDTH);
        c2.intoArray(z, z2 + 2 * WIDTH);
        d2.intoArray(z, z2 + 3 * WIDTH);
        a3.intoArray(z, z3);
        b3.intoArray(z, z3 + WIDTH);
        c3.intoArray(z, z3 + 2 * WIDTH);
        d3.intoArray(z, z3 + 3 * WIDTH);
    }

    private static void weigh4x2(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead) {
        int z1 = zAt + zStride;
        int z2 = z1 + zStride;
        int z3 = z2 + zStride;
        FloatVector l0 = FloatVector.fromArray(SPECIES, z, zAt);
        FloatVector h0 = FloatVector.fromArray(SPECIES, z, zAt + WIDTH);
        FloatVector l1 = FloatVector.fromArray(SPECIES, z, z1);
        FloatVector h1 = FloatVector.fromArray(SPECIES, z, z1 + WIDTH);
        FloatVector l2 = FloatVector.fromArray(SPECIES, z, z2);
        FloatVector h2 = FloatVector.fromArray(SPECIES, z, z2 + WIDTH);
        FloatVector l3 = FloatVector.fromArray(SPECIES, z, z3);
        FloatVector h3 = FloatVector.fromArray(SPECIES, z, z3 + WIDTH);
        for (int key = firstKey; key < endKey; ) {
            float[] block = values[key / KEYS_PER_BLOCK];
            int count = Math.min(endKey - key, KEYS_PER_BLOCK - key % KEYS_PER_BLOCK);
            int at = valuesAt + key % KEYS_PER_BLOCK * dHead;
            int p0 = patternAt + key;
            int p1 = p0 + patternStride;
            int p2 = p1 + patternStride;
            int p3 = p2 + patternStride;
            for (int j = 0; j < count; j++) {
                FloatVector low = FloatVector.fromArray(SPECIES, block, at + j * dHead);
                FloatVector high = FloatVector.fromArray(SPECIES, block, at + j * dHead + WIDTH);
                FloatVector x0 = FloatVector.broadcast(SPECIES, pattern[p0 + j]);
                l0 = x0.fma(low, l0);
                h0 = x0.fma(high, h0);
                FloatVector x1 = FloatVector.broadcast(SPECIES, pattern[p1 + j]);
                l1 = x1.fma(low, l1);
                h1 = x1.fma(high, h1);
                FloatVector x2 = FloatVector.broadcast(SPECIES, pattern[p2 + j]);
                l2 = x2.fma(low, l2);
                h2 = x2.fma(high, h2);
                FloatVector x3 = FloatVector.broadcast(SPECIES, pattern[p3 + j]);
                l3 = x3.fma(low, l3);
                h3 = x3.fma(high, h3);
            }
            key += count;
        }
        l0.intoArray(z, zAt);
        h0.intoArray(z, zAt + WIDTH);
        l1.intoArray(z, z1);
        h1.intoArray(z, z1 + WIDTH);
        l2.intoArray(z, z2);
        h2.intoArray(z, z2 + WIDTH);
        l3.intoArray(z, z3);
        h3.intoArray(z, z3 + WIDTH);
    }

    private static void weigh1(
            float[] z,
            int zAt,
            float[] pattern,
            int patternAt,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead) {
        FloatVector chain = FloatVector.fromArray(SPECIES, z, zAt);
        for (int key = firstKey; key < endKey; ) {
            float[] block = values[key / KEYS_PER_BLOCK];
            int count = Math.min(endKey - key, KEYS_PER_BLOCK - key % KEYS_PER_BLOCK);
            int at = valuesAt + key % KEYS_PER_BLOCK * dHead;
            for (int j = 0; j < count; j++) {
                chain = FloatVector.broadcast(SPECIES, pattern[patternAt + key + j])
                        .fma(FloatVector.fromArray(SPECIES, block, at + j * dHead), chain);
            }
            key += count;
        }
        chain.intoArray(z, zAt);
    }

    /** Where a head ends within a vector. The mask is made here because C2 would box one that is passed in. */
    private static void weighTail(
            float[] z,
            int zAt,
            float[] pattern,
            int patternAt,
            float[][] values,
            int valuesAt,
            int firstKey,
            int endKey,
            int dHead,
            int columns) {
        VectorMask<Float> rest = SPECIES.indexInRange(0, columns);
        FloatVector chain = FloatVector.fromArray(SPECIES, z, zAt, rest);
        for (int key = firstKey; key < endKey; key++) {
            chain = FloatVector.broadcast(SPECIES, pattern[patternAt + key])
                    .fma(
                            FloatVector.fromArray(
                                    SPECIES,
                                    values[key / KEYS_PER_BLOCK],
                                    valuesAt + key % KEYS_PER_BLOCK * dHead,
                                    rest),
                            chain);
        }
        chain.intoArray(z, zAt, rest);
    }
}

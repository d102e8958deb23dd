package dev.hyaline.explorer.data;

import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * Numbers of one kind, as bytes.
 *
 * @param width bytes of one number
 * @param content writes the numbers in a buffer's order
 */
record DataArray(String dtype, int length, int width, Consumer<ByteBuffer> content) {
    static DataArray of(float[] values) {
        return new DataArray(
                "f32",
                values.length,
                Float.BYTES,
                bytes -> bytes.asFloatBuffer().put(values));
    }

    static DataArray of(double[] values) {
        return new DataArray(
                "f64",
                values.length,
                Double.BYTES,
                bytes -> bytes.asDoubleBuffer().put(values));
    }

    static DataArray of(int[] values) {
        return new DataArray(
                "i32",
                values.length,
                Integer.BYTES,
                bytes -> bytes.asIntBuffer().put(values));
    }

    static DataArray of(short[] values) {
        return new DataArray(
                "u16",
                values.length,
                Short.BYTES,
                bytes -> bytes.asShortBuffer().put(values));
    }

    static DataArray of(byte[] values) {
        return new DataArray("u8", values.length, Byte.BYTES, bytes -> bytes.put(values));
    }
}

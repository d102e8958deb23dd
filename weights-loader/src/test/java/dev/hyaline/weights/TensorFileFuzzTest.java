package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadCheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Broken archives of NumPy's open or give the checkpoint error: never anything else, never much memory. */
class TensorFileFuzzTest {
    private static final int TIMES = 3_000;
    private static final long MAX_BYTES = 8 << 20;

    @TempDir
    Path directory;

    @Test
    void archivesOfNumPys() throws IOException {
        byte[] good = npz("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, ZipEntry.STORED);
        Mutator mutator = new Mutator(9);
        int opened = 0;
        for (int i = 0; i < TIMES; i++) {
            opened += readArchive(i == 0 ? good : mutator.mutateBinary(good)) ? 1 : 0;
        }
        assertThat(opened).isBetween(1, TIMES - 1);
    }

    /** Sizes that do not end as a tuple does, however they are tried. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "1, ", " ", ","})
    void headersOfNumPys(String part) throws IOException {
        String before = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
        for (int times : new int[] {60, 500, 10_000, 20_000}) {
            for (String after : new String[] {"", "x", "), }", "), " + " ".repeat(20_000)}) {
                assertThat(readArchive(npz(before + part.repeat(times) + after, 4, ZipEntry.STORED)))
                        .isFalse();
            }
        }
    }

    /** A thousandth of what it would unpack to. */
    @Test
    void whatIsCompressedIsNotUnpacked() throws IOException {
        byte[] bomb =
                npz("{'descr': '<f4', 'fortran_order': True, 'shape': (16777216,), }", 1 << 26, ZipEntry.DEFLATED);
        assertThat(bomb.length).isLessThan(1 << 17);
        assertThat(readArchive(bomb)).isFalse();
        assertThatThrownBy(() -> TensorFile.open(directory.resolve("params.npz")))
                .hasMessageContaining("stored as it is, as numpy.savez does")
                .hasMessageEndingWith("write the arrays with numpy.savez instead of numpy.savez_compressed");
    }

    private boolean readArchive(byte[] bytes) {
        TinyCheckpoint.write(directory, "params.npz", bytes);
        long before = Mutator.allocated();
        boolean whole = true;
        try (TensorFile file = TensorFile.open(directory.resolve("params.npz"))) {
            file.names().forEach(name -> assertThat(file.floats(name)).hasSizeLessThan(100));
        } catch (BadCheckpointException e) {
            whole = false;
            assertThat(e.getMessage()).contains(directory.toString()).hasSizeLessThan(1_000);
        }
        assertThat(Mutator.allocated() - before).isLessThan(MAX_BYTES + 200L * bytes.length);
        return whole;
    }

    private static byte[] npz(String header, int dataBytes, int method) throws IOException {
        ByteBuffer array =
                ByteBuffer.allocate(12 + header.length() + 1 + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        array.put("\u0093NUMPY\2\0".getBytes(ISO_8859_1))
                .putInt(header.length() + 1)
                .put((header + "\n").getBytes(ISO_8859_1));
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(file)) {
            ZipEntry entry = new ZipEntry("W_enc.npy");
            CRC32 crc = new CRC32();
            crc.update(array.array());
            entry.setMethod(method);
            entry.setSize(array.capacity());
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(array.array());
        }
        return file.toByteArray();
    }
}

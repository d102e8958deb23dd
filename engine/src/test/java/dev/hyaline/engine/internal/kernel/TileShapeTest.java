package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TileShapeTest {
    private static final Processor XEON = new Processor("amd64", "GenuineIntel", 6);
    private static final Processor ZEN_4 = new Processor("amd64", "AuthenticAMD", 25);
    private static final Processor ZEN_5 = new Processor("amd64", "AuthenticAMD", 26);
    private static final Processor GRAVITON = new Processor("aarch64", "", 0);

    @Test
    void suitsTheProcessor() {
        assertThat(TileShape.fastest(512, 512, XEON).shape()).isEqualTo(TileShape.SIX_BY_FOUR);
        assertThat(TileShape.fastest(512, 512, ZEN_5).shape()).isEqualTo(TileShape.SIX_BY_FOUR);
        assertThat(TileShape.fastest(512, 512, ZEN_4).shape()).isEqualTo(TileShape.FOUR_BY_TWO);
        assertThat(TileShape.fastest(256, 512, ZEN_4).shape()).isEqualTo(TileShape.SIX_BY_FOUR);
        assertThat(TileShape.fastest(256, 256, XEON).shape()).isEqualTo(TileShape.FOUR_BY_TWO);
        assertThat(TileShape.fastest(128, 128, GRAVITON).shape()).isEqualTo(TileShape.SIX_BY_FOUR);
        assertThat(TileShape.fastest(512, 512, XEON).reason())
                .isEqualTo("tiles of 6x4, since this processor has two multipliers of 512 bits");
    }

    @Test
    void readsWhatLinuxSaysOfTheFirstProcessor(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("cpuinfo");
        Files.writeString(file, """
            processor\t: 0
            vendor_id\t: AuthenticAMD
            cpu family\t: 25
            model\t\t: 17

            processor\t: 1
            vendor_id\t: GenuineIntel
            cpu family\t: 6
            """);
        assertThat(Processor.ofLinux("amd64", file)).isEqualTo(ZEN_4);
        Files.writeString(file, "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n");
        assertThat(Processor.ofLinux("aarch64", file)).isEqualTo(GRAVITON);
        assertThat(Processor.ofLinux("amd64", folder.resolve("none"))).isEqualTo(new Processor("amd64", "", 0));
    }

    @Test
    void readsWhatWindowsSays() {
        assertThat(Processor.ofWindows("amd64", "AMD64 Family 26 Model 68 Stepping 0, AuthenticAMD"))
                .hasValue(ZEN_5);
        assertThat(Processor.ofWindows("aarch64", "ARMv8 (64-bit) Family 8 Model D4B Revision   0, Qualcomm"))
                .hasValue(new Processor("aarch64", "Qualcomm", 8));
        assertThat(Processor.ofWindows("amd64", "")).isEmpty();
    }
}

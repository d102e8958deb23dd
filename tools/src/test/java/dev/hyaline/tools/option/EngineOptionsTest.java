package dev.hyaline.tools.option;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class EngineOptionsTest {
    private static EngineOptions options(String... arguments) {
        return CommandLine.populateCommand(new EngineOptions(), arguments);
    }

    /** A dump's command says all that its values depend on. */
    @Test
    void aDeviceIsPartOfTheCommandAndThreadsAreNot() {
        assertThat(options("--device", "gpu").canonical()).containsExactly("--device", "gpu");
        assertThat(options("--device=2").canonical()).containsExactly("--device", "2");
        assertThat(options("--device", "cpu").canonical()).isEmpty();
        assertThat(options("--threads", "2").canonical()).isEmpty();
    }
}

package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.BackendUnavailableException;
import dev.hyaline.engine.BadInputException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class KernelProviderTest {
    @AfterEach
    void forget() {
        System.clearProperty(KernelProvider.PROPERTY);
    }

    @Test
    void choosesVectorKernelsWhereTheModuleIs() {
        assertThat(KernelProvider.provide().choice().name()).startsWith("vector");
        assertThat(KernelProvider.provide().reason()).contains("jdk.incubator.vector is loaded");
    }

    @Test
    void obeysTheProperty() {
        System.setProperty(KernelProvider.PROPERTY, "scalar");
        assertThat(KernelProvider.provide().choice().name()).isEqualTo("scalar");
        System.setProperty(KernelProvider.PROPERTY, "vector");
        assertThat(KernelProvider.provide().choice().name()).startsWith("vector");
        System.setProperty(KernelProvider.PROPERTY, "fast");
        assertThatThrownBy(KernelProvider::provide)
                .isInstanceOf(BadInputException.class)
                .hasMessage("hyaline.kernels must be auto, scalar or vector, found fast");
    }

    @Test
    void refusesAWidthNoMachineHas() {
        System.setProperty("hyaline.vectorBits", "300");
        try {
            assertThatThrownBy(KernelProvider::provide)
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("hyaline.vectorBits must be 128, 256 or 512, found 300");
        } finally {
            System.clearProperty("hyaline.vectorBits");
        }
    }

    /** These run in a process without the module. */
    @Tag("fallback")
    @Test
    void fallsBackToScalarKernelsAndSaysWhy() {
        assertThat(ModuleLayer.boot().findModule("jdk.incubator.vector")).isEmpty();
        assertThat(KernelProvider.provide().choice().name()).isEqualTo("scalar");
        assertThat(KernelProvider.provide().reason()).contains("--add-modules jdk.incubator.vector");
    }

    @Tag("fallback")
    @Test
    void refusesForcedVectorKernels() {
        System.setProperty(KernelProvider.PROPERTY, "vector");
        assertThatThrownBy(KernelProvider::provide)
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("start java with --add-modules jdk.incubator.vector");
    }
}

package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a model needs is computed and compared with the device before anything is uploaded; needs no device. */
final class DeviceSizesTest {
    private static final Gpt2Config SMALL = Gpt2Config.gpt2Small();
    private static final long MUCH = 1L << 40;

    @AfterEach
    void clear() {
        System.clearProperty(DeviceSizes.ROWS_PROPERTY);
        System.clearProperty(DeviceSizes.POSITIONS_PROPERTY);
        System.clearProperty(KernelForm.PROPERTY);
    }

    private static Device device(long memory, long largestArray) {
        return new Device(0, "a device", Device.Kind.GPU, "a driver", memory, largestArray);
    }

    @Test
    void aWholeContextFitsByDefault() {
        DeviceSizes sizes = DeviceSizes.of(SMALL, device(MUCH, MUCH));
        assertThat(sizes.rows()).isEqualTo(2048);
        assertThat(sizes.pages() * AttentionKernels.PAGE).isGreaterThanOrEqualTo(8 * 1024);
        assertThat(sizes.bytes()).isGreaterThan(Float.BYTES * SMALL.parameters());
    }

    @Test
    void theExactNeedIsEnoughAndOneByteLessIsNot() {
        long needed = DeviceSizes.of(SMALL, device(MUCH, MUCH)).bytes();
        assertThat(DeviceSizes.of(SMALL, device(needed, MUCH)).bytes()).isEqualTo(needed);
        assertThatThrownBy(() -> DeviceSizes.of(SMALL, device(needed - 1, MUCH)))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("the model needs " + needed + " bytes at once")
                .hasMessageContaining("memory of " + (needed - 1) + " bytes");
    }

    @Test
    void noArrayMayExceedTheLargestAllocation() {
        assertThatThrownBy(() -> DeviceSizes.of(SMALL, device(MUCH, 1 << 20)))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("largest array of 1048576 bytes");
    }

    @Test
    void indicesHaveThirtyOneBits() {
        Gpt2Config deep =
                new Gpt2Config(1000, 16, 1024, 4096, 1024, 50257, 1e-5f, ActivationFunction.GELU, true, false, true);
        assertThatThrownBy(() -> DeviceSizes.of(deep, device(Long.MAX_VALUE, Long.MAX_VALUE)))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("indexed by 31 bits");
    }

    @Test
    void propertiesAskForLess() {
        long byDefault = DeviceSizes.of(SMALL, device(MUCH, MUCH)).bytes();
        System.setProperty(DeviceSizes.ROWS_PROPERTY, "64");
        DeviceSizes fewRows = DeviceSizes.of(SMALL, device(MUCH, MUCH));
        assertThat(fewRows.rows()).isEqualTo(64);
        assertThat(fewRows.bytes()).isLessThan(byDefault);
        System.setProperty(DeviceSizes.POSITIONS_PROPERTY, "16");
        assertThat(DeviceSizes.of(SMALL, device(MUCH, MUCH)).bytes()).isLessThan(fewRows.bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "", "99999999"})
    void propertiesAreNumbers(String value) {
        System.setProperty(DeviceSizes.ROWS_PROPERTY, value);
        assertThatThrownBy(() -> DeviceSizes.of(SMALL, device(MUCH, MUCH)))
                .isInstanceOf(BadInputException.class)
                .hasMessage(DeviceSizes.ROWS_PROPERTY + " must be a number of at least 1, found " + value);
    }

    @Test
    void theKindOfDeviceChoosesTheKernels() {
        assertThat(KernelForm.of(Device.Kind.CPU)).hasSize(1).hasOnlyElementsOfType(ParallelForm.class);
        assertThat(KernelForm.of(Device.Kind.GPU)).hasSize(2).hasOnlyElementsOfType(GroupForm.class);
        assertThat(KernelForm.of(Device.Kind.GPU).getLast().mostRows()).isEqualTo(Integer.MAX_VALUE);
        System.setProperty(KernelForm.PROPERTY, "parallel");
        assertThat(KernelForm.of(Device.Kind.GPU)).hasSize(1);
        System.setProperty(KernelForm.PROPERTY, "fast");
        assertThatThrownBy(() -> KernelForm.of(Device.Kind.GPU))
                .isInstanceOf(BadInputException.class)
                .hasMessage(KernelForm.PROPERTY + " must be parallel or tiled, found fast");
    }
}

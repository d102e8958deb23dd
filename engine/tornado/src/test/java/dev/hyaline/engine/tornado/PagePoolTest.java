package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BackendUnavailableException;
import org.junit.jupiter.api.Test;

final class PagePoolTest {
    @Test
    void aPageIsFreeOnceAllItsHoldersHaveReleasedIt() {
        PagePool pool = new PagePool(2);
        int first = pool.take();
        int second = pool.take();
        assertThat(first).isNotEqualTo(second);
        pool.share(first);
        pool.release(first);
        assertThat(pool.free()).isZero();
        pool.release(first);
        assertThat(pool.free()).isEqualTo(1);
        assertThat(pool.take()).isEqualTo(first);
    }

    @Test
    void aFullPoolSaysHowToHaveMore() {
        PagePool pool = new PagePool(1);
        pool.take();
        assertThatThrownBy(pool::take)
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("16 positions, is full")
                .hasMessageContaining(DeviceSizes.POSITIONS_PROPERTY);
    }
}

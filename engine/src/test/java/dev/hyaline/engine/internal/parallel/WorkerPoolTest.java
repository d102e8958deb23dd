package dev.hyaline.engine.internal.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.fixtures.RandomModels;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void runsEachIndexOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThat(pool.threads()).isEqualTo(threads);
            for (int loop = 0; loop < 2000; loop++) {
                int count = loop % 50;
                AtomicIntegerArray runs = new AtomicIntegerArray(count);
                pool.run(count, (worker, index) -> {
                    assertThat(worker).isBetween(0, threads - 1);
                    runs.incrementAndGet(index);
                });
                for (int i = 0; i < count; i++) {
                    assertThat(runs.get(i)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void whatTasksWroteIsSeenByTheCaller() {
        try (WorkerPool pool = new WorkerPool(3)) {
            int[] plain = new int[64];
            for (int loop = 1; loop < 5000; loop++) {
                int value = loop;
                pool.run(plain.length, (worker, index) -> plain[index] = value);
                assertThat(plain).containsOnly(value);
            }
        }
    }

    @Test
    void throwsWhatATaskThrewAndGoesOn() {
        try (WorkerPool pool = new WorkerPool(4)) {
            for (int loop = 0; loop < 200; loop++) {
                int bad = loop % 20;
                assertThatThrownBy(() -> pool.run(20, (worker, index) -> {
                            if (index == bad) {
                                throw new IllegalStateException("task " + index);
                            }
                        }))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("task " + bad);
                int[] done = new int[20];
                pool.run(20, (worker, index) -> done[index] = 1);
                assertThat(done).containsOnly(1);
            }
        }
    }

    @Test
    void loopsInsideLoopsAndFromOtherThreadsFinish() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicIntegerArray runs = new AtomicIntegerArray(100);
            List<Thread> callers = new ArrayList<>();
            for (int caller = 0; caller < 4; caller++) {
                callers.add(Thread.ofPlatform()
                        .start(() -> pool.run(
                                10,
                                (worker, outer) ->
                                        pool.run(10, (inside, inner) -> runs.incrementAndGet(outer * 10 + inner)))));
            }
            for (Thread caller : callers) {
                caller.join();
            }
            for (int i = 0; i < 100; i++) {
                assertThat(runs.get(i)).isEqualTo(4);
            }
        }
    }

    @Test
    void aClosedPoolRunsLoopsOnTheCaller() {
        WorkerPool pool = new WorkerPool(3);
        pool.close();
        Thread caller = Thread.currentThread();
        List<Thread> threads = new ArrayList<>();
        pool.run(5, (worker, index) -> threads.add(Thread.currentThread()));
        assertThat(threads).hasSize(5).containsOnly(caller);
    }

    @Test
    void closingTwiceIsHarmless() {
        WorkerPool pool = new WorkerPool(3);
        pool.close();
        pool.close();
        int[] done = new int[4];
        pool.run(4, (worker, index) -> done[index] = 1);
        assertThat(done).containsOnly(1);
    }

    @Test
    void threadsEndWhenModelsAreGarbage() throws InterruptedException {
        Set<Thread> before = workers();
        useAndForgetModels();
        Set<Thread> started = workers();
        started.removeAll(before);
        assertThat(started).isNotEmpty();
        for (int i = 0; i < 300 && started.stream().anyMatch(Thread::isAlive); i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertThat(started).noneMatch(Thread::isAlive);
    }

    @SuppressWarnings("resource") // never closed, which is what is tested
    private static void useAndForgetModels() {
        Gpt2Weights weights = RandomModels.weights(RandomModels.ODD, 1);
        for (int i = 0; i < 3; i++) {
            Gpt2.of(weights, 3).logits(RandomModels.tokens(RandomModels.ODD, 20, i));
        }
    }

    private static Set<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("hyaline-"))
                .collect(Collectors.toCollection(HashSet::new));
    }

    @Test
    void anInterruptedCallerFinishesAndStaysInterrupted() {
        int[] tokens = RandomModels.tokens(RandomModels.ODD, 20, 5);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.ODD, 1), 3)) {
            float[] expected = model.logits(tokens);
            Thread.currentThread().interrupt();
            float[] found = model.logits(tokens);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(found).isEqualTo(expected);
        }
    }
}

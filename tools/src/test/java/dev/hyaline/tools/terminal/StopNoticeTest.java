package dev.hyaline.tools.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StopNoticeTest {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theNoticeBeginsALine(boolean progress) {
        StringWriter err = new StringWriter();
        PrintWriter writer = new PrintWriter(err);
        writer.print(progress ? "dump 12% ^C" : "");
        Console console = new Console(
                InputStream.nullInputStream(), new PrintWriter(new StringWriter()), writer, false, progress, Map.of());
        StopNotice.tell(console, "it goes on");
        assertThat(err.toString().lines().toList()).contains("hyaline: stopped; it goes on");
    }
}

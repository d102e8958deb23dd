package dev.hyaline.engine.internal.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a processor says of itself, as far as the shape of register tiles depends on it.
 *
 * @param architecture as Java names it
 * @param vendor as CPUID gives it, such as {@code GenuineIntel}; empty if the system does not tell
 * @param family the vendor's number for a line of designs; 0 if the system does not tell
 */
record Processor(String architecture, String vendor, int family) {
    private static final Path LINUX = Path.of("/proc/cpuinfo");
    private static final Pattern LINUX_LINE = Pattern.compile("(vendor_id|cpu family)\\s*: *(.*)");
    /** How Windows puts it: {@code Intel64 Family 6 Model 207 Stepping 2, GenuineIntel}. */
    private static final Pattern WINDOWS = Pattern.compile(".*Family (\\d{1,9}) .*, *(\\w+)");

    /** AMD's first family that multiplies 512 bits in one step, Zen 5. */
    private static final int ZEN_5 = 26;

    static Processor current() {
        String architecture = System.getProperty("os.arch", "");
        String windows = System.getenv().getOrDefault("PROCESSOR_IDENTIFIER", "");
        return ofWindows(architecture, windows).orElseGet(() -> ofLinux(architecture, LINUX));
    }

    /** Reads what Windows says in its environment; empty if it says nothing. */
    static Optional<Processor> ofWindows(String architecture, String identifier) {
        Matcher matcher = WINDOWS.matcher(identifier);
        return matcher.matches()
                ? Optional.of(new Processor(architecture, matcher.group(2), Integer.parseInt(matcher.group(1))))
                : Optional.empty();
    }

    /** Reads what Linux says of the first processor. */
    static Processor ofLinux(String architecture, Path file) {
        String vendor = "";
        int family = 0;
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            for (String line = lines.readLine(); line != null && !line.isEmpty(); line = lines.readLine()) {
                Matcher matcher = LINUX_LINE.matcher(line);
                if (matcher.matches()) {
                    String value = matcher.group(2);
                    if (matcher.group(1).equals("vendor_id")) {
                        vendor = value;
                    } else if (value.matches("\\d{1,9}")) {
                        family = Integer.parseInt(value);
                    }
                }
            }
        } catch (IOException e) {
            // Another system, or one that does not tell.
            return new Processor(architecture, "", 0);
        }
        return new Processor(architecture, vendor, family);
    }

    boolean isX86() {
        return architecture.equals("amd64") || architecture.equals("x86_64");
    }

    /**
     * Whether two multiply-adds of 512 bits begin in each cycle. Intel's smaller designs begin one, and lose nothing.
     */
    boolean multipliesTwiceAt512Bits() {
        return vendor.equals("GenuineIntel") || (vendor.equals("AuthenticAMD") && family >= ZEN_5);
    }
}

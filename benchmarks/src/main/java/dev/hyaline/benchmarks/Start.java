package dev.hyaline.benchmarks;

import java.io.IOException;

/** Starts JMH, or says which Java that takes: all else in the jar is compiled for it. Compiled for Java 11. */
public final class Start {
    private static final int NEEDED = 25;

    private Start() {}

    public static void main(String[] arguments) throws IOException {
        int found = Runtime.version().feature();
        if (found < NEEDED) {
            System.err.println("benchmarks: Java " + NEEDED + " is needed, but this is Java " + found + " in "
                    + System.getProperty("java.home") + "; start the jar with the java of a JDK " + NEEDED);
            System.exit(1);
        }
        org.openjdk.jmh.Main.main(arguments);
    }
}

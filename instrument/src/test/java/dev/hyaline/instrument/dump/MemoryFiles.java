package dev.hyaline.instrument.dump;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Files whose names begin with {@code memory://}, found as a service by the tests. */
public final class MemoryFiles implements RemoteFiles {
    static final Map<String, byte[]> FILES = new ConcurrentSkipListMap<>();

    @Override
    public boolean has(String name) {
        return name.startsWith("memory://");
    }

    @Override
    public List<String> list(String name) throws IOException {
        if (FILES.containsKey(name)) {
            return List.of(name);
        }
        String prefix = name.replaceAll("\\*.*", "");
        return FILES.keySet().stream().filter(file -> file.startsWith(prefix)).toList();
    }

    @Override
    public long size(String name) throws IOException {
        return content(name).length;
    }

    @Override
    public InputStream open(String name) throws IOException {
        return new ByteArrayInputStream(content(name));
    }

    private static byte[] content(String name) throws IOException {
        byte[] content = FILES.get(name);
        if (content == null) {
            throw new FileNotFoundException("there is no " + name);
        }
        return content;
    }
}

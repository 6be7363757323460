using System.Globalization;
using QuorumMesh.Files;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts;

/// <summary>A directory of key files as geth keeps it. Read anew each time, so files may come and go.</summary>
internal sealed class KeystoreDirectory(string path)
{
    private const int MaxFileSize = 64 * 1024;
    private const int MaxFiles = 10_000;

    /// <summary>Address and file, in the order of the file names, which is the order of making.</summary>
    public IReadOnlyList<(Address Address, string Path)> List()
    {
        var found = new List<(Address, string)>();
        var seen = new HashSet<Address>();
        foreach (var file in Files())
            if (KeystoreV3.AddressOf(Read(file)) is { } address && seen.Add(address))
                found.Add((address, file));
        return found;
    }

    public string? Find(Address address)
    {
        // geth's file name ends in the address: most of the time one file is read, not all.
        var suffix = Hex.ToHex(address.ToArray(), prefix: false);
        foreach (var file in Files())
            if (file.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && KeystoreV3.AddressOf(Read(file)) == address)
                return file;
        foreach (var entry in List())
            if (entry.Address == address)
                return entry.Path;
        return null;
    }

    public byte[] Read(string file)
    {
        try
        {
            var info = new FileInfo(file);
            return info.Length > MaxFileSize ? [] : File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Appears under its name only when it is whole, and is there after a power loss when this returns.</summary>
    public void Write(Address address, byte[] content, DateTimeOffset now)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var stamp = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH-mm-ss.fffffff", CultureInfo.InvariantCulture) + "00Z";
        var name = $"UTC--{stamp}--{Hex.ToHex(address.ToArray(), prefix: false)}";
        DurableFile.WriteNew(Path.Combine(path, name), content, DurableFile.OwnerOnly);
    }

    private IEnumerable<string> Files() =>
        Directory.Exists(path)
            ? Directory.EnumerateFiles(path)
                .Where(f => !Path.GetFileName(f).StartsWith('.') && !f.EndsWith('~'))
                .Order(StringComparer.Ordinal)
                .Take(MaxFiles)
            : [];
}

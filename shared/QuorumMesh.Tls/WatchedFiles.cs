using System.Security.Cryptography;

namespace QuorumMesh.Tls;

/// <summary>
/// What is made of files and made anew when they change. They are compared by content, so that it does not matter how they are replaced:
/// in place, renamed over, or as Kubernetes moves a link. What cannot be read leaves what is in use as it is, and is told once.
/// </summary>
public sealed class WatchedFiles<T>
    where T : class
{
    /// <summary>Certificates and lists are small; what is larger is another file.</summary>
    private const long LongestFile = 4 << 20;

    private readonly string _setting;
    private readonly IReadOnlyList<string> _paths;
    private readonly Func<IReadOnlyList<byte[]>, T> _make;
    private byte[] _seen;
    private byte[] _lastProblem = [];
    private T _current;

    /// <exception cref="TlsSetupException">A file cannot be read or used.</exception>
    internal WatchedFiles(string setting, IReadOnlyList<string> paths, Func<IReadOnlyList<byte[]>, T> make)
    {
        (_setting, _paths, _make) = (setting, paths, make);
        var contents = ReadAll();
        _seen = Digest(contents);
        _current = make(contents);
    }

    public T Current => Volatile.Read(ref _current);

    /// <summary>Not called by two threads at a time.</summary>
    /// <returns>A line for the log about a change, or null for none.</returns>
    internal string? Check()
    {
        try
        {
            var contents = ReadAll();
            var digest = Digest(contents);
            if (digest.AsSpan().SequenceEqual(_seen)) return null;
            Volatile.Write(ref _current, _make(contents));
            (_seen, _lastProblem) = (digest, []);
            return $"{_setting}: {string.Join(" and ", _paths)} changed and is in use from now on";
        }
        catch (TlsSetupException e)
        {
            // Half of a pair may be there already and the other half come later: then the digest is another one.
            var digest = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(e.Problem));
            if (digest.AsSpan().SequenceEqual(_lastProblem)) return null;
            _lastProblem = digest;
            return $"{e.Message}; what was there before stays in use";
        }
    }

    private List<byte[]> ReadAll()
    {
        var contents = new List<byte[]>(_paths.Count);
        foreach (var path in _paths)
        {
            try
            {
                if (new FileInfo(path) is { Exists: true, Length: > LongestFile })
                    throw new TlsSetupException(_setting, $"{path}: has more than {LongestFile >> 20} MiB; is it the right file?");
                contents.Add(File.ReadAllBytes(path));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new TlsSetupException(_setting, $"there is no file '{path}'", e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TlsSetupException(_setting, $"'{path}' cannot be read: {e.Message}", e);
            }
        }
        return contents;
    }

    private static byte[] Digest(List<byte[]> contents)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var content in contents) hash.AppendData(SHA256.HashData(content));
        return hash.GetHashAndReset();
    }
}

using System.Globalization;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's <c>-pidfile</c>: this process's number, as long as it runs.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string? _path;

    /// <param name="path">Null for none.</param>
    /// <exception cref="OptionsException">It cannot be written.</exception>
    public PidFile(string? path)
    {
        _path = path;
        if (path is null)
            return;
        try
        {
            File.WriteAllText(path, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("--pidfile", $"'{path}' cannot be written: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        try
        {
            if (_path is not null)
                File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ends: nobody is left to be told.
        }
    }
}

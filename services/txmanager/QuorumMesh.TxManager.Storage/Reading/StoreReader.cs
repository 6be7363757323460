using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>Runs queries on pooled connections and gives their rows as they stand.</summary>
internal sealed class StoreReader(StoreProvider provider) : IDisposable
{
    /// <summary>Kept while nobody asks.</summary>
    private const int MaxIdle = 8;

    private readonly ConcurrentQueue<PreparedReader> _idle = new();
    private volatile bool _isClosed;

    /// <param name="query">It bounds its rows itself.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public async Task<List<object?[]>> ListAsync(Func<PayloadContext, IQueryable> query, CancellationToken cancel)
    {
        try
        {
            using var db = provider.CreateReader();
            await db.Database.OpenConnectionAsync(cancel).ConfigureAwait(false);
            using var command = query(db).CreateDbCommand();
            return await ReadAsync(command, cancel).ConfigureAwait(false);
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>
    /// Without EF: for what the node asks with every payload and every commit, where EF's way from query to statement would be most of the
    /// time, and for what every start asks, which would load EF for it. docs/performance.md has the figures.
    /// </summary>
    /// <param name="sql">With parameters @p0, @p1 …; it bounds its rows itself.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public Task<List<object?[]>> ListAsync(string sql, CancellationToken cancel, params object[] values) =>
        AskAsync(sql, command => ReadAsync(command, cancel), cancel, values);

    /// <summary>
    /// One row whose length is asked for before it is read: column by column, so that the driver does not hold it either.
    /// </summary>
    /// <param name="sql">With the parameter @p0; its first column is the length.</param>
    /// <param name="found">Called with the length; what it throws ends the look-up.</param>
    /// <returns>The other columns; null without a row.</returns>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public Task<object?[]?> MeasuredAsync(string sql, object key, Action<long>? found, CancellationToken cancel) =>
        AskAsync(sql, command => MeasuredAsync(command, found, cancel), cancel, key);

    /// <inheritdoc cref="ListAsync(string, CancellationToken, object[])"/>
    public async Task<object?[]?> FirstAsync(string sql, CancellationToken cancel, params object[] values) =>
        (await ListAsync(sql, cancel, values).ConfigureAwait(false)).FirstOrDefault();

    public PrivacyException Unavailable(Exception e) =>
        new(Failure.StoreUnavailable, $"The payload store ({provider.Description}) is not available: {e.GetBaseException().Message}", e);

    public void Dispose()
    {
        _isClosed = true;
        while (_idle.TryDequeue(out var reader))
            reader.Dispose();
    }

    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    private async Task<T> AskAsync<T>(string sql, Func<DbCommand, Task<T>> ask, CancellationToken cancel, params object[] values)
    {
        if (!_idle.TryDequeue(out var reader))
            reader = new PreparedReader(provider.CreateConnection());
        var isFit = false;
        try
        {
            var answer = await ask(await reader.CommandAsync(sql, values, cancel).ConfigureAwait(false)).ConfigureAwait(false);
            isFit = provider.KeepsStatements && !_isClosed && _idle.Count < MaxIdle;
            return answer;
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
        finally
        {
            // One that failed is closed: what it has open, and whether its connection still stands, is not known.
            if (isFit)
                _idle.Enqueue(reader);
            else
                reader.Dispose();
        }
    }

    private static async Task<object?[]?> MeasuredAsync(DbCommand command, Action<long>? found, CancellationToken cancel)
    {
        using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancel).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancel).ConfigureAwait(false))
            return null;
        if (!await reader.IsDBNullAsync(0, cancel).ConfigureAwait(false))
            found?.Invoke(Convert.ToInt64(reader.GetValue(0), CultureInfo.InvariantCulture));
        return StoredRows.Read(reader, 1);
    }

    private static async Task<List<object?[]>> ReadAsync(DbCommand command, CancellationToken cancel)
    {
        using var reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        var found = new List<object?[]>();
        while (await reader.ReadAsync(cancel).ConfigureAwait(false))
            found.Add(StoredRows.Read(reader));
        return found;
    }
}

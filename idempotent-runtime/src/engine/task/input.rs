//! The input of a task's run: the address of its handler, and the handler's arguments.

use crate::engine::engine::Engine;
use crate::engine::task::limits::TaskScope;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::policy::OnAbandoned;
use crate::seal::Seal;
use crate::store::bytes::{FieldReader, Undecodable, write_field, write_number};
use crate::store::record::{INPUT, beside};
use bytes::Bytes;
use std::time::Duration;

/// The first byte. No record begins with it.
const KIND: u8 = INPUT;
const VERSION: u8 = 4;

/// The number of bytes before the content: the task's `on_abandoned`, and its scope.
const HEAD: usize = 1 + 8;

const RETRY: u8 = 0;
const HOLD: u8 = 1;

/// The input of a task's run. No credential of the request is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The method of the request, so that the app finds the handler.
    pub(crate) method: String,
    /// Path and query of the request.
    pub(crate) target: String,
    /// The scope in which it counts as an unfinished task.
    pub(crate) scope: TaskScope,
    /// Headers of the request that guards of routes look at.
    pub(crate) headers: Vec<(String, Bytes)>,
    /// Whether it may run again after a process that ran it died.
    pub(crate) on_abandoned: OnAbandoned,
    /// The names of the handler's parameters. Another version of the handler may have them in another order.
    pub(crate) parameters: String,
    /// The handler's arguments, one by one.
    pub(crate) arguments: Vec<Bytes>,
}

/// The key under which a task's input is stored.
pub(crate) fn place(task: &StorageKey) -> StorageKey {
    task.beside("input")
}

impl Input {
    /// The input as bytes: `on_abandoned` and the scope in clear, and the rest, which is sealed if the engine
    /// has keys.
    ///
    /// # Errors
    /// When the sealing keys cannot seal it.
    pub(super) fn encode(&self, seal: &Seal, place: &StorageKey) -> Result<Bytes, StoreError> {
        let Self { method, target, scope, headers, on_abandoned, parameters, arguments } = self;
        let mut head = [0; HEAD];
        head[0] = match on_abandoned {
            OnAbandoned::Retry => RETRY,
            OnAbandoned::Hold => HOLD,
        };
        head[1..].copy_from_slice(scope.as_bytes());
        let mut content = Vec::new();
        for field in [method.as_bytes(), target.as_bytes(), parameters.as_bytes()] {
            write_field(&mut content, field);
        }
        write_number(&mut content, headers.len() as u64);
        for (name, value) in headers {
            write_field(&mut content, name.as_bytes());
            write_field(&mut content, value);
        }
        for argument in arguments {
            write_field(&mut content, argument);
        }
        beside::write(seal, place, [KIND, VERSION], &head, &content)
    }

    fn decode(seal: &Seal, place: &StorageKey, bytes: &Bytes) -> Result<Self, StoreError> {
        let (head, fields) = beside::read(seal, place, [KIND, VERSION], bytes)?;
        Self::of_fields(head, fields).map_err(|error| StoreError::corrupt("read", error))
    }

    fn of_fields(head: [u8; HEAD], mut fields: FieldReader) -> Result<Self, Undecodable> {
        let [on_abandoned, scope @ ..] = head;
        let on_abandoned = match on_abandoned {
            RETRY => OnAbandoned::Retry,
            HOLD => OnAbandoned::Hold,
            _ => return Err(Undecodable),
        };
        let scope = TaskScope::from_bytes(scope);
        let (method, target) = (text(&mut fields)?, text(&mut fields)?);
        let parameters = text(&mut fields)?;
        let mut headers = Vec::new();
        for _ in 0..fields.number()? {
            headers.push((text(&mut fields)?, fields.field()?));
        }
        let mut arguments = Vec::new();
        while !fields.left().is_empty() {
            arguments.push(fields.field()?);
        }
        Ok(Self { method, target, scope, headers, on_abandoned, parameters, arguments })
    }

    /// Reads a task's input; `None` if it is gone.
    ///
    /// A reader that runs the task passes `life`, and so keeps the input for at least that long from now.
    pub(crate) async fn read(
        engine: &Engine,
        place: &StorageKey,
        life: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let Some(entry) = engine.core().read(place).await? else { return Ok(None) };
        let input = Self::decode(engine.seal(), place, &entry.value)?;
        if entry.left < life {
            let same = entry.value.clone();
            engine.core().swap(place, &entry.value, &same, life).await?;
        }
        Ok(Some(input))
    }

    /// The scope in which a task counts as unfinished; `None` if its input is gone. No key is needed to read it.
    pub(super) async fn scope(
        engine: &Engine,
        place: &StorageKey,
    ) -> Result<Option<TaskScope>, StoreError> {
        let Some(entry) = engine.core().read(place).await? else { return Ok(None) };
        let split = beside::split::<HEAD>(place, &entry.value);
        let (_, [_, scope @ ..], _) = split.map_err(|error| StoreError::corrupt("read", error))?;
        Ok(Some(TaskScope::from_bytes(scope)))
    }
}

fn text(fields: &mut FieldReader) -> Result<String, Undecodable> {
    String::from_utf8(fields.field()?.into()).map_err(|_| Undecodable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_comes_back_as_it_was_and_not_under_another_key() {
        let input = Input {
            method: "POST".to_owned(),
            target: "/reports?of=é".to_owned(),
            scope: TaskScope::from_bytes([3; 8]),
            headers: vec![("host".to_owned(), Bytes::from_static(b"a.example"))],
            on_abandoned: OnAbandoned::Hold,
            parameters: "a, b".to_owned(),
            arguments: vec![Bytes::from_static(b"1"), Bytes::new()],
        };
        let place = StorageKey::from_bytes([7; 32]);
        let none = Seal::default();
        let bytes = input.encode(&none, &place).unwrap();
        assert_eq!(Input::decode(&none, &place, &bytes).unwrap(), input);
        assert!(Input::decode(&none, &StorageKey::from_bytes([8; 32]), &bytes).is_err());
        for cut in 0..bytes.len() {
            assert!(Input::decode(&none, &place, &bytes.slice(..cut)).is_err());
        }
    }

    /// For an operator who puts a task back in line after resolving it.
    #[cfg(feature = "seal")]
    #[tokio::test]
    async fn the_scope_of_a_task_is_read_without_a_key() {
        use crate::clock::SystemClock;
        use crate::seal::Keys;
        use crate::store::{MemoryStore, Store};
        use std::sync::Arc;

        let input = Input {
            method: "POST".to_owned(),
            target: "/reports".to_owned(),
            scope: TaskScope::from_bytes([3; 8]),
            headers: Vec::new(),
            on_abandoned: OnAbandoned::Retry,
            parameters: String::new(),
            arguments: Vec::new(),
        };
        let (place, life) = (StorageKey::from_bytes([7; 32]), Duration::from_mins(1));
        let sealed = input.encode(&Seal::new(Keys::new("now", [1; 32])), &place).unwrap();
        let store = Arc::new(MemoryStore::new());
        assert_eq!(store.create(&place, &sealed, life).await.unwrap(), None);
        let without = Engine::new(store, Arc::new(SystemClock::new()), life);
        assert!(Input::read(&without, &place, Duration::ZERO).await.is_err());
        assert_eq!(Input::scope(&without, &place).await.unwrap(), Some(input.scope));
    }
}
